#pragma once

#include <string_view>

#include "reckon/ops/compute_dtype.h"

namespace reckon {

/// The instruction set that the operations run on: "avx512" or "avx2". The best of this machine, or what the
/// environment variable RECKON_ISA names. float32 results have the same bits on both.
/// \throws Error(environment) where the machine has neither, or has not what RECKON_ISA names.
[[nodiscard]] std::string_view active_isa();

/// \throws Error(environment) where this machine cannot multiply in that type: bfloat16 needs AVX512_BF16.
void check_compute_dtype(ComputeDtype dtype);

}  // namespace reckon
