// Flash attention by LibTorch's kernels (Dao, arXiv:2307.08691), on raw pointers.
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <cmath>

#include "reckon/cuda/flash_attention.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {
namespace {

at::Tensor wrap(const void* data, at::IntArrayRef sizes, at::ScalarType type) {
  return at::from_blob(const_cast<void*>(data), sizes, at::TensorOptions().dtype(type).device(at::kCUDA, at::cuda::current_device()));
}

}  // namespace
}  // namespace reckon::cuda
