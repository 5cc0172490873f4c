#pragma once

// Values on their way to the device and back, and the comparisons of kernels' results with float64.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "reckon/cuda/bf16.h"
#include "reckon/cuda/runtime.h"
#include "support/numbers.h"
#include "support/op_references.h"

namespace reckon::testing {

/// Half the distance between the bfloat16 numbers around a value: they have 8 bits of mantissa.
inline double half_ulp(double value) {
  return value == 0 ? 0 : std::ldexp(1.0, std::ilogb(value) - 8);
}

/// Normal numbers that are bfloat16: a kernel and its reference see the same.
inline std::vector<float> normal_bf16(std::size_t count, std::uint64_t seed, double scale = 1.0) {
  return rounded_to_bf16(normal_values(count, seed, scale));
}

template <class T>
cuda::DeviceArray<T> on_device(const std::vector<T>& values) {
  cuda::DeviceArray<T> array(values.size());
  array.upload(values);
  return array;
}

inline cuda::DeviceArray<bf16> bf16_on_device(std::span<const float> values) {
  std::vector<bf16> rounded;
  for (const float value : values) rounded.push_back(to_bf16(value));
  return on_device(rounded);
}

inline std::vector<float> floats_of(const cuda::DeviceArray<bf16>& array) {
  std::vector<float> values;
  for (const bf16 value : array.download()) values.push_back(to_float(value));
  return values;
}

/// Rounded results: each is within half a unit in its last place of the expected value, which the kernel's
/// float32 misses by up to `relative` times the largest.
inline void expect_rounded(std::span<const float> actual, std::span<const double> expected, double relative) {
  ASSERT_EQ(actual.size(), expected.size());
  double largest = 0;
  for (const double value : expected) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double error = std::abs(static_cast<double>(actual[i]) - expected[i]);
    ASSERT_LE(error, half_ulp(expected[i]) + relative * largest)
        << "at " << i << ": " << actual[i] << " for " << expected[i];
  }
}

/// The message of the std::invalid_argument that `call` ends with.
inline std::string refusal_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace reckon::testing
