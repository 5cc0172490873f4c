#pragma once

#include <cuda_runtime_api.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

namespace reckon::testing {

/// Tests on device 0. Without a device they are skipped; with RECKON_REQUIRE_CUDA=1 in the environment they
/// fail.
class CudaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int num_devices = 0;
    const cudaError_t result = cudaGetDeviceCount(&num_devices);
    if (result != cudaSuccess || num_devices == 0) {
      const char* required = std::getenv("RECKON_REQUIRE_CUDA");
      if (required != nullptr && std::string_view(required) == "1") {
        FAIL() << "no CUDA device, and RECKON_REQUIRE_CUDA is 1: " << cudaGetErrorString(result);
      }
      GTEST_SKIP() << "no CUDA device";
    }
    ASSERT_EQ(cudaSetDevice(0), cudaSuccess);
  }
};

}  // namespace reckon::testing
