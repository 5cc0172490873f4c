#include <cstring>
#include <stdexcept>

#include "reckon/base/error.h"
#include "reckon/model/weight_files.h"

namespace reckon {
namespace {

std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float float_of(std::uint32_t bits) {
  float value = 0;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// bf16 is the upper half of a float.
float from_bf16(std::uint16_t half) {
  return float_of(static_cast<std::uint32_t>(half) << 16);
}

std::uint16_t to_bf16(float value) {
  const std::uint32_t bits = bits_of(value);
  if ((bits & 0x7FFFFFFFu) > 0x7F800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40u);  // NaN
  const std::uint32_t rounding = 0x7FFFu + ((bits >> 16) & 1u);
  return static_cast<std::uint16_t>((bits + rounding) >> 16);
}

/// IEEE 754 binary16: 5 bits of exponent (bias 15), 10 of fraction.
float from_f16(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1Fu;
  const std::uint32_t fraction = half & 0x3FFu;
  if (exponent == 31) return float_of(sign | 0x7F800000u | (fraction << 13));
  if (exponent != 0) return float_of(sign | ((exponent + 112) << 23) | (fraction << 13));
  const float magnitude = static_cast<float>(fraction) * 0x1.0p-24f;  // zero and subnormal numbers
  return float_of(sign | bits_of(magnitude));
}

std::uint16_t to_f16(float value) {
  const std::uint32_t bits = bits_of(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) {  // NaN keeps its first bits
    return static_cast<std::uint16_t>(sign | 0x7E00u | ((magnitude >> 13) & 0x3FFu));
  }
  if (magnitude >= 0x477FF000u) return static_cast<std::uint16_t>(sign | 0x7C00u);  // 65,520 and more
  if (magnitude <
      0x38800000u) {  // below 2^-14: adding 0.5 shifts the fraction to where 2^-24 is its last bit
    const float shifted = float_of(magnitude) + 0.5f;
    return static_cast<std::uint16_t>(sign | (bits_of(shifted) - 0x3F000000u));
  }
  const std::uint32_t rounding = 0xFFFu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((magnitude + rounding - 0x38000000u) >> 13));
}

template <class Convert>
void widen(const TensorView& view, std::span<float> to, Convert convert) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    std::uint16_t half = 0;
    std::memcpy(&half, view.data.data() + 2 * i, sizeof half);
    to[i] = convert(half);
  }
}

template <class Convert>
void narrow(std::span<const float> values, std::vector<std::byte>& bytes, Convert convert) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t half = convert(values[i]);
    std::memcpy(bytes.data() + 2 * i, &half, sizeof half);
  }
}

}  // namespace

void to_float32(const TensorView& view, const std::string& where, std::span<float> to) {
  if (view.dtype == TensorDtype::f32) {
    std::memcpy(to.data(), view.data.data(), to.size_bytes());
  } else if (view.dtype == TensorDtype::bf16) {
    widen(view, to, from_bf16);
  } else if (view.dtype == TensorDtype::f16) {
    widen(view, to, from_f16);
  } else {
    throw Error(ExitCode::bad_data, where + ": tensor \"" + view.name + "\" is " +
                                        std::string(dtype_name(view.dtype)) + " (need F32, BF16 or F16)");
  }
}

std::vector<std::byte> from_float32(std::span<const float> values, TensorDtype dtype) {
  std::vector<std::byte> bytes(values.size() * dtype_size(dtype));
  if (dtype == TensorDtype::f32) {
    std::memcpy(bytes.data(), values.data(), bytes.size());
  } else if (dtype == TensorDtype::bf16) {
    narrow(values, bytes, to_bf16);
  } else if (dtype == TensorDtype::f16) {
    narrow(values, bytes, to_f16);
  } else {
    throw std::invalid_argument("from_float32: " + std::string(dtype_name(dtype)) +
                                " (need F32, BF16 or F16)");
  }
  return bytes;
}

}  // namespace reckon
