#pragma once

// Neighbouring values of a row in registers, as float32: read and written sixteen bytes at once where there
// are enough of them. The address is a multiple of what is read.
#include "device.h"

namespace reckon::cuda {

template <int n>
struct Values {
  float at[n];
};

__device__ inline Values<4> floats_of(uint4 words) {
  return {{bits_to_float(words.x), bits_to_float(words.y), bits_to_float(words.z), bits_to_float(words.w)}};
}
__device__ inline uint4 words_of(const Values<4>& values) {
  return {float_to_bits(values.at[0]), float_to_bits(values.at[1]), float_to_bits(values.at[2]),
          float_to_bits(values.at[3])};
}

template <int n>
__device__ inline Values<n> load_values(const float* from) {
  static_assert(n == 1 || n == 4 || n == 8);
  if constexpr (n == 1) {
    return {{*from}};
  } else if constexpr (n == 4) {
    return floats_of(load16(from));
  } else {
    const Values<4> low = floats_of(load16(from));
    const Values<4> high = floats_of(load16(from + 4));
    return {{low.at[0], low.at[1], low.at[2], low.at[3], high.at[0], high.at[1], high.at[2], high.at[3]}};
  }
}

template <int n>
__device__ inline Values<n> load_values(const bf16* from) {
  static_assert(n == 1 || n == 4 || n == 8);
  if constexpr (n == 1) {
    return {{to_float(*from)}};
  } else if constexpr (n == 4) {
    const uint2 pairs = load8(from);
    return {{low_bf16(pairs.x), high_bf16(pairs.x), low_bf16(pairs.y), high_bf16(pairs.y)}};
  } else {
    const uint4 pairs = load16(from);
    return {{low_bf16(pairs.x), high_bf16(pairs.x), low_bf16(pairs.y), high_bf16(pairs.y), low_bf16(pairs.z),
             high_bf16(pairs.z), low_bf16(pairs.w), high_bf16(pairs.w)}};
  }
}

template <int n>
__device__ inline void store_values(float* to, const Values<n>& values) {
  static_assert(n == 1 || n == 4);
  if constexpr (n == 1) {
    *to = values.at[0];
  } else {
    store16(to, words_of(values));
  }
}

template <int n>
__device__ inline void store_values(bf16* to, const Values<n>& values) {
  static_assert(n == 1 || n == 4 || n == 8);
  const auto pair = [&](int i) { return pack_bf16(values.at[i], values.at[i + 1]); };
  if constexpr (n == 1) {
    *to = to_bf16(values.at[0]);
  } else if constexpr (n == 4) {
    store8(to, {pair(0), pair(2)});
  } else {
    store16(to, {pair(0), pair(2), pair(4), pair(6)});
  }
}

}  // namespace reckon::cuda
