#pragma once

#include <cuda_runtime_api.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "reckon/cuda/runtime.h"

namespace reckon::testing {

inline void check_cuda(cudaError_t result) {
  if (result != cudaSuccess) throw std::runtime_error(std::string("CUDA: ") + cudaGetErrorString(result));
}

/// A copy of host values on the device, there when the constructor ends.
template <class T>
class DeviceArray : public cuda::DeviceArray<T> {
 public:
  explicit DeviceArray(const std::vector<T>& values) {
    this->upload(values);
    cuda::synchronize(nullptr);
  }
  [[nodiscard]] std::size_t bytes() const { return this->size() * sizeof(T); }
  [[nodiscard]] std::vector<T> host() const { return this->download(); }
};

}  // namespace reckon::testing
