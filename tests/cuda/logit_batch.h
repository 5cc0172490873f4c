#pragma once

// Rows of logits for the tests of losses and sampling, and what float64 makes of them.
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "reckon/cuda/runtime.h"
#include "reckon/cuda/token_loss.h"
#include "row_plan.h"
#include "support/numbers.h"

namespace reckon::cuda {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// [rows, vocab] bfloat16 in rows of `stride`; NaN between, which nobody may read or change.
struct LogitBatch {
  std::int64_t rows = 0, vocab = 0, stride = 0;
  std::vector<bf16> values;
  std::vector<std::uint32_t> tokens;  // [rows]

  LogitBatch(std::int64_t num_rows, std::int64_t num_words, std::uint64_t seed = 1, double scale = 4,
             double shift = 0)
      : rows(num_rows), vocab(num_words), stride((num_words + 7) / 8 * 8 + 8) {
    values.resize(static_cast<std::size_t>(rows * stride), to_bf16(kNan));
    // One pool of numbers, from another place in each row: drawing them is slower than the kernels.
    const auto pool = testing::normal_values(8191, seed, scale);
    for (std::int64_t r = 0; r < rows; ++r) {
      for (std::int64_t v = 0; v < vocab; ++v) {
        const auto at = static_cast<std::size_t>((r * 1031 + v * 7 + v / 8191) % 8191);
        this->at(r, v) = to_bf16(static_cast<float>(static_cast<double>(pool[at]) + shift));
      }
      tokens.push_back(static_cast<std::uint32_t>((r * 7919 + 5) % vocab));
    }
    if (rows > 1) tokens.back() = static_cast<std::uint32_t>(vocab - 1);
  }
  [[nodiscard]] bf16& at(std::int64_t r, std::int64_t v) {
    return values[static_cast<std::size_t>(r * stride + v)];
  }
  [[nodiscard]] std::vector<double> row(std::int64_t r) const {
    std::vector<double> x;
    for (std::int64_t v = 0; v < vocab; ++v)
      x.push_back(static_cast<double>(to_float(values[static_cast<std::size_t>(r * stride + v)])));
    return x;
  }
  /// The rows of these numbers, in this order.
  [[nodiscard]] LogitBatch picked(const std::vector<std::int64_t>& which) const {
    LogitBatch other(0, vocab);
    other.rows = static_cast<std::int64_t>(which.size());
    for (const std::int64_t r : which) {
      const auto begin = values.begin() + r * stride;
      other.values.insert(other.values.end(), begin, begin + stride);
      other.tokens.push_back(tokens[static_cast<std::size_t>(r)]);
    }
    return other;
  }
};

/// A batch in device memory.
struct DeviceLogits {
  DeviceArray<bf16> values;
  DeviceArray<std::uint32_t> tokens;
  LogitRows rows;

  explicit DeviceLogits(const LogitBatch& batch) {
    values.upload(batch.values);
    tokens.upload(batch.tokens);
    rows = {values.data(), batch.rows, batch.vocab, batch.stride};
  }
};

/// One float of each row; NaN at first.
struct RowColumn {
  DeviceArray<float> values;
  explicit RowColumn(std::int64_t rows) {
    values.upload(std::vector<float>(static_cast<std::size_t>(rows), kNan));
  }
  explicit RowColumn(const std::vector<float>& of) { values.upload(of); }
  [[nodiscard]] float* data() { return values.data(); }
  [[nodiscard]] std::vector<float> download() const { return values.download(); }
};

struct TokenColumns {
  RowColumn logprob, entropy, lse;
  explicit TokenColumns(std::int64_t rows) : logprob(rows), entropy(rows), lse(rows) {}
  [[nodiscard]] TokenOutputs outputs() { return {logprob.data(), entropy.data(), lse.data()}; }
};

/// The softmax of a row at a temperature.
struct RowReference {
  std::vector<double> p, log_p;
  double entropy = 0, lse = 0;

  RowReference(const std::vector<double>& logits, double temperature) {
    double most = -HUGE_VAL;
    for (const double x : logits) most = std::max(most, x / temperature);
    double sum = 0;
    for (const double x : logits) sum += std::exp(x / temperature - most);
    lse = most + std::log(sum);
    for (const double x : logits) {
      log_p.push_back(x / temperature - lse);
      p.push_back(std::exp(log_p.back()));
      if (p.back() > 0) entropy -= p.back() * log_p.back();
    }
  }
};

inline std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits(values.size());
  if (!values.empty()) std::memcpy(bits.data(), values.data(), values.size() * sizeof(float));
  return bits;
}
inline std::vector<std::uint16_t> bits_of(const std::vector<bf16>& values) {
  std::vector<std::uint16_t> bits;
  for (const bf16 value : values) bits.push_back(value.bits);
  return bits;
}

/// The plan of this device, and that of one without clusters and bulk copies.
inline std::vector<RowPlan> plans_of(std::int64_t vocab, std::int32_t rows_held = 1) {
  DeviceInfo ampere = device_info();
  ampere.compute_capability = 80;
  return {plan_row(vocab, device_info(), rows_held), plan_row(vocab, ampere, rows_held)};
}

// Per thread up to 150 numbers of 2^-24 are added in turn, in random directions: 3e-7 of the sum, and e^x is
// good to 2 units in the last place; log2(e) / T is rounded, which is 6e-8 of the distance to the largest.
inline constexpr double kLogprobError = 2e-6;

}  // namespace reckon::cuda
