#pragma once

// Test data and comparisons shared by the tests of ops, model and learn.

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reckon/base/philox.h"

namespace reckon::testing {

/// Standard normal numbers, a function of the seed.
inline std::vector<float> normal_values(std::size_t count, std::uint64_t seed, double scale = 1.0) {
  RandomStream random(seed, 0x74657374u);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(scale * random.normal());
  return values;
}

/// Each |actual - expected| is at most `absolute` plus `relative` times the largest |expected|.
inline void expect_close(std::span<const float> actual, std::span<const double> expected, double absolute,
                         double relative = 0) {
  ASSERT_EQ(actual.size(), expected.size());
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_LE(std::abs(static_cast<double>(actual[i]) - expected[i]), absolute + relative * largest)
        << "at " << i << ": " << actual[i] << " for " << expected[i];
  }
}

/// Sum of elementwise products: turns a vector of outputs into one number to differentiate.
template <class A, class B>
double dot(const A& a, const B& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return total;
}

}  // namespace reckon::testing
