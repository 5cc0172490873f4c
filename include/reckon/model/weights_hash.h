#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "reckon/base/sha256.h"

namespace reckon {

/// What the SHA-256 of a model's weights is taken of, tensor by tensor in the order of the forward pass:
/// name, newline, shape, values as float32. The hash of rollout logs and of `reckon inspect`.
inline void hash_tensor(Sha256& hash, std::string_view name, std::span<const std::int64_t> shape,
                        std::span<const float> values) {
  hash.update(name);
  hash.update("\n");
  hash.update_values(shape);
  hash.update_values(values);
}

}  // namespace reckon
