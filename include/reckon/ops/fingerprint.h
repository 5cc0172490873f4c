#pragma once

#include <string>

#include "reckon/ops/compute_dtype.h"

namespace reckon {

/// SHA-256 (hex) of what every operation, forward and backward, makes of fixed inputs: two machines with the same
/// fingerprint compute with the same bits. In bfloat16 the products and the attention of both types are in it.
/// Takes milliseconds.
[[nodiscard]] std::string numerics_fingerprint(ComputeDtype dtype);

}  // namespace reckon
