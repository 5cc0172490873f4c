#pragma once

// The fixture of kernel tests: each runs under the three orders of the emulator's threads, on a GPU once.
#include <gtest/gtest.h>

#include "reckon/cuda/runtime.h"
#ifdef RECKON_EMULATE_CUDA
#include "emulator/emulator.h"
#endif

namespace reckon::cuda {

#ifdef RECKON_EMULATE_CUDA
class EveryOrder : public ::testing::TestWithParam<emulator::Order> {
 protected:
  void SetUp() override { emulator::set_order(GetParam()); }
  void TearDown() override { emulator::set_order(emulator::Order::forward); }
};
INSTANTIATE_TEST_SUITE_P(Orders, EveryOrder,
                         ::testing::Values(emulator::Order::forward, emulator::Order::reverse,
                                           emulator::Order::shuffled));
#else
class EveryOrder : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    if (device_count() == 0) GTEST_SKIP() << "no GPU";
  }
};
INSTANTIATE_TEST_SUITE_P(OnGpu, EveryOrder, ::testing::Values(0));
#endif

}  // namespace reckon::cuda
