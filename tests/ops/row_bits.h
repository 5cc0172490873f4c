#pragma once

// What "the result of a row depends on that row alone" means, as a test: rows have numbers, a function of the
// number makes the row's inputs, and the bits of its outputs must be those of the row computed alone.

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <functional>
#include <span>
#include <vector>

#include "support/numbers.h"

namespace reckon::testing {

inline constexpr std::array<std::int64_t, 9> kRowCounts{1, 2, 3, 5, 8, 17, 64, 100, 256};

/// Outputs of the rows that have these numbers, [M, width].
using RowOp = std::function<std::vector<float>(std::span<const std::uint64_t> numbers)>;

/// Computes batches of every size in `row_counts`, of rows drawn from sixteen, and compares every row.
inline void expect_rows_alone(const RowOp& op, std::span<const std::int64_t> row_counts = kRowCounts) {
  constexpr std::uint32_t kNumbers = 16;
  std::vector<std::vector<float>> alone;
  for (std::uint64_t number = 0; number < kNumbers; ++number) alone.push_back(op({&number, 1}));
  for (std::uint64_t number = 1; number < kNumbers; ++number) {
    ASSERT_NE(alone[0], alone[number]) << "rows that are all the same show nothing";
  }
  RandomStream random(17, 0x726f7773u);
  const std::size_t width = alone[0].size();
  for (const std::int64_t count : row_counts) {
    std::vector<std::uint64_t> numbers;
    for (std::int64_t i = 0; i < count; ++i) numbers.push_back(random.below(kNumbers));
    const std::vector<float> batch = op(numbers);
    ASSERT_EQ(batch.size(), numbers.size() * width);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      ASSERT_EQ(std::memcmp(batch.data() + i * width, alone[numbers[i]].data(), width * sizeof(float)), 0)
          << "row " << i << " of " << count;
    }
  }
}

/// Values of sixteen rows, made once: rows() copies those asked for.
class RowValues {
 public:
  RowValues(std::size_t width, std::uint64_t seed, double scale = 1.0)
      : width_(width), values_(normal_values(16 * width, seed, scale)) {}
  [[nodiscard]] std::vector<float> rows(std::span<const std::uint64_t> numbers) const {
    std::vector<float> result;
    for (const std::uint64_t number : numbers) {
      const auto first = values_.begin() + static_cast<std::ptrdiff_t>(number * width_);
      result.insert(result.end(), first, first + static_cast<std::ptrdiff_t>(width_));
    }
    return result;
  }

 private:
  std::size_t width_;
  std::vector<float> values_;
};

}  // namespace reckon::testing
