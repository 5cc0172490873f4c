#pragma once

#include <string>

#include "reckon/ops/compute_dtype.h"

namespace reckon {

/// SHA-256 (hex) of what every operation, forward and backward, makes of fixed inputs: two machines with the same
/// fingerprint compute with the same bits. Where bfloat16 is used, what it is used for is in it beside float32.
/// Takes milliseconds.
[[nodiscard]] std::string numerics_fingerprint(Precision precision);

}  // namespace reckon
