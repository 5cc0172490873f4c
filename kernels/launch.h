#pragma once

// How a kernel is started, on a GPU and in the emulator alike.
#include <cstddef>
#include <type_traits>

#include "device.h"
#ifndef RECKON_EMULATE_CUDA
#include "launch_check.h"
#endif
#include "reckon/cuda/stream.h"

namespace reckon::cuda {

struct LaunchShape {
  dim3 grid;
  unsigned threads = 256;        ///< of a block
  unsigned cluster = 1;          ///< blocks of a cluster, along grid.x
  std::size_t shared_bytes = 0;  ///< of a block
};

#ifdef RECKON_EMULATE_CUDA

template <class... P>
void launch(const char* name, void (*kernel)(P...), const LaunchShape& shape, Stream,
            std::type_identity_t<P>... args) {
  emulator::run_or_record([=] {
    emulator::run_grid(name, shape.grid, shape.threads, shape.cluster, shape.shared_bytes,
                       [&] { kernel(args...); });
  });
}

#else

template <class... P>
void launch(const char* name, void (*kernel)(P...), const LaunchShape& shape, Stream stream,
            std::type_identity_t<P>... args) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
  if (shape.shared_bytes > 48 * 1024) {
    check_launch(name, cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                            cudaFuncAttributeMaxDynamicSharedMemorySize,
                                            static_cast<int>(shape.shared_bytes)));
  }
  if (shape.cluster > 8) {
    check_launch(name, cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel),
                                            cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
  }
  cudaLaunchAttribute attribute{};
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim.x = shape.cluster;
  attribute.val.clusterDim.y = 1;
  attribute.val.clusterDim.z = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = dim3(shape.threads);
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = shape.cluster > 1 ? 1 : 0;
  check_launch(name, cudaLaunchKernelEx(&config, kernel, args...));
}

#endif

}  // namespace reckon::cuda
