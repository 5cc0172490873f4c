// The main function of tests that run on a GPU. Without a device each test is skipped, and counted so; with
// RECKON_REQUIRE_CUDA=1 each fails.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string_view>

#include "reckon/cuda/runtime.h"

namespace reckon {
namespace {

/// Ends each test before it begins. What a listener adds to a test's result as the test starts counts as its
/// own.
class WithoutDevice : public ::testing::EmptyTestEventListener {
 public:
  explicit WithoutDevice(bool required) : required_(required) {}
  void OnTestStart(const ::testing::TestInfo&) override {
    if (required_) FAIL() << "no CUDA device, and RECKON_REQUIRE_CUDA is 1";
    GTEST_SKIP() << "no CUDA device";
  }

 private:
  bool required_;
};

}  // namespace
}  // namespace reckon

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (reckon::cuda::device_count() == 0) {
    const char* required = std::getenv("RECKON_REQUIRE_CUDA");
    ::testing::UnitTest::GetInstance()->listeners().Append(
        new reckon::WithoutDevice(required != nullptr && std::string_view(required) == "1"));
  }
  return RUN_ALL_TESTS();
}
