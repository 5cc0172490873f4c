#pragma once

// How a kernel is started, on a GPU and in the emulator alike.
#include <cstddef>
#include <type_traits>

#include "device.h"
#ifndef RECKON_EMULATE_CUDA
#include "launch_check.h"
#include "reckon/cuda/runtime.h"
#endif
#include "reckon/cuda/stream.h"

namespace reckon::cuda {

struct LaunchShape {
  dim3 grid;
  unsigned threads = 256;        ///< of a block
  unsigned cluster = 1;          ///< blocks of a cluster, along grid.x
  std::size_t shared_bytes = 0;  ///< of a block
};

/// resident_clusters(): how many clusters of this kernel and shape run at once. Where each of so many loops
/// over its share of the work, none waits for another to end. Asks the driver, not the device.

#ifdef RECKON_EMULATE_CUDA

template <class... P>
unsigned resident_clusters(const char*, void (*)(P...), const LaunchShape&) {
  return 3;  // clusters then have several rows to do
}

template <class... P>
void launch(const char* name, void (*kernel)(P...), const LaunchShape& shape, Stream stream,
            std::type_identity_t<P>... args) {
  emulator::check_grid(name, shape.grid, shape.threads, shape.cluster, shape.shared_bytes);
  emulator::put_on_stream(stream, [=] {
    emulator::run_grid(name, shape.grid, shape.threads, shape.cluster, shape.shared_bytes,
                       [&] { kernel(args...); });
  });
}

#else

/// What the driver is told of a launch.
struct LaunchConfig {
  cudaLaunchAttribute attribute{};
  cudaLaunchConfig_t config{};

  LaunchConfig(const char* name, const void* kernel, const LaunchShape& shape, Stream stream) {
    if (shape.shared_bytes > 48 * 1024) {
      check_launch(name, cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                              static_cast<int>(shape.shared_bytes)));
    }
    if (shape.shared_bytes > 16 * 1024) {
      // Else the driver may leave so much to the L1 cache that fewer blocks fit.
      check_launch(name, cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout,
                                              cudaSharedmemCarveoutMaxShared));
    }
    if (shape.cluster > 8) {
      check_launch(name, cudaFuncSetAttribute(kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1));
    }
    attribute.id = cudaLaunchAttributeClusterDimension;
    attribute.val.clusterDim.x = shape.cluster;
    attribute.val.clusterDim.y = 1;
    attribute.val.clusterDim.z = 1;
    config.gridDim = shape.grid;
    config.blockDim = dim3(shape.threads);
    config.dynamicSmemBytes = shape.shared_bytes;
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = shape.cluster > 1 ? 1 : 0;
  }
  LaunchConfig(const LaunchConfig&) = delete;
  LaunchConfig& operator=(const LaunchConfig&) = delete;
};

template <class... P>
unsigned resident_clusters(const char* name, void (*kernel)(P...), const LaunchShape& shape) {
  LaunchShape one = shape;
  one.grid = dim3(shape.cluster);
  const LaunchConfig launch_config(name, reinterpret_cast<const void*>(kernel), one, nullptr);
  int count = 0;
  if (shape.cluster > 1) {
    check_launch(name, cudaOccupancyMaxActiveClusters(&count, kernel, &launch_config.config));
  } else {
    check_launch(name, cudaOccupancyMaxActiveBlocksPerMultiprocessor(
                           &count, kernel, static_cast<int>(shape.threads), shape.shared_bytes));
    count *= device_info().multiprocessors;
  }
  return count > 0 ? static_cast<unsigned>(count) : 1;
}

template <class... P>
void launch(const char* name, void (*kernel)(P...), const LaunchShape& shape, Stream stream,
            std::type_identity_t<P>... args) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return;
  const LaunchConfig launch_config(name, reinterpret_cast<const void*>(kernel), shape, stream);
  check_launch(name, cudaLaunchKernelEx(&launch_config.config, kernel, args...));
}

#endif

}  // namespace reckon::cuda
