#pragma once

#include <cuda_runtime.h>

namespace reckon::cuda {

/// \throws Error(internal) with CUDA's words where the launch was not taken.
void check_launch(const char* name, cudaError_t error);

}  // namespace reckon::cuda
