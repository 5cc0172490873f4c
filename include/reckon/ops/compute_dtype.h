#pragma once

#include <array>

#include "reckon/base/describe.h"

namespace reckon {

/// What numbers are rounded to before they are multiplied. Sums, norms, the softmax, the residual stream,
/// master weights and the optimizer are float32 either way.
enum class ComputeDtype { float32, bfloat16 };

constexpr auto enum_names(ComputeDtype) {
  return std::array{EnumName{ComputeDtype::float32, "float32"}, EnumName{ComputeDtype::bfloat16, "bfloat16"}};
}

/// Of the keys and values in the cache.
enum class KvDtype {
  automatic,  ///< that of the matrix products
  float32,
  bfloat16,
};
constexpr auto enum_names(KvDtype) {
  return std::array{EnumName{KvDtype::automatic, "auto"}, EnumName{KvDtype::float32, "float32"},
                    EnumName{KvDtype::bfloat16, "bfloat16"}};
}

/// What a model computes in.
struct Precision {
  ComputeDtype compute = ComputeDtype::float32;  ///< the factors of matrix products
  ComputeDtype kv = ComputeDtype::float32;       ///< keys and values

  constexpr Precision() = default;
  constexpr Precision(ComputeDtype both) : compute(both), kv(both) {}  // NOLINT: one word for both
  constexpr Precision(ComputeDtype products, KvDtype keys)
      : compute(products),
        kv(keys == KvDtype::automatic  ? products
           : keys == KvDtype::bfloat16 ? ComputeDtype::bfloat16
                                       : ComputeDtype::float32) {}
  friend bool operator==(const Precision&, const Precision&) = default;
};

}  // namespace reckon
