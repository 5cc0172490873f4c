#pragma once

// Tests of kernels run once for each order of the emulator's threads; once on a GPU.
#include <gtest/gtest.h>

#ifdef RECKON_EMULATE_CUDA
#include "emulator/emulator.h"
#endif

namespace reckon::cuda {

class EveryOrder : public ::testing::TestWithParam<int> {
#ifdef RECKON_EMULATE_CUDA
 protected:
  void SetUp() override {
    emulator::set_order(static_cast<emulator::Order>(GetParam()));
  }
  void TearDown() override {
    emulator::set_order(emulator::Order::forward);
  }
#endif
};

#ifdef RECKON_EMULATE_CUDA
// Forward, reverse, shuffled, warp ahead.
INSTANTIATE_TEST_SUITE_P(Orders, EveryOrder, ::testing::Range(0, 4));
#else
INSTANTIATE_TEST_SUITE_P(OnGpu, EveryOrder, ::testing::Values(0));
#endif

}  // namespace reckon::cuda
