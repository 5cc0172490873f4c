#pragma once

#include <array>

#include "reckon/base/describe.h"

namespace reckon {

/// What the factors of matrix products, keys and values are rounded to. Sums, norms, the softmax, the
/// residual stream, master weights and the optimizer are float32 either way.
enum class ComputeDtype { float32, bfloat16 };

constexpr auto enum_names(ComputeDtype) {
  return std::array{EnumName{ComputeDtype::float32, "float32"}, EnumName{ComputeDtype::bfloat16, "bfloat16"}};
}

}  // namespace reckon
