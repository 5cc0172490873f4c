// NCCL itself, on one GPU: one rank, and two processes that share it.
#include <gmock/gmock.h>

#include <chrono>
#include <iostream>
#include <thread>

#include "cuda/device_array.h"
#include "reckon/base/child_process.h"
#include "reckon/base/error.h"
#include "reckon/dist/communicator.h"
#include "reckon/dist/nccl_communicator.h"
#include "support/cuda_test.h"

namespace reckon {
namespace {

using testing::check_cuda;
using testing::DeviceArray;
using ::testing::ElementsAre;

class NcclGpu : public testing::CudaTest {
 protected:
  void SetUp() override {
    CudaTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    check_cuda(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  }
  void TearDown() override {
    if (stream_ != nullptr) check_cuda(cudaStreamDestroy(stream_));
  }

  static std::unique_ptr<DeviceCommunicator> make_one_rank(double timeout_s) {
    const auto world = make_serial_communicator();
    return make_nccl_communicator(*world, make_nccl_calls(0),
                                  {.device = 0, .host = "node", .timeout_s = timeout_s, .num_channels = 2});
  }

  cudaStream_t stream_ = nullptr;
};

TEST_F(NcclGpu, OneRankKeepsItsTensors) {
  const auto rank = make_one_rank(60.0);
  DeviceArray<float> values({1.5F, -2.0F, 3.25F});
  rank->all_reduce_sum(values.data(), 3, "reduced", stream_);
  rank->wait("reduced");
  EXPECT_THAT(values.host(), ElementsAre(1.5F, -2.0F, 3.25F));
  rank->broadcast(values.data(), values.bytes(), 0, "broadcast", stream_);
  rank->all_gather(values.data(), values.bytes(), "gathered", stream_);
  rank->reduce_scatter_sum(values.data(), 3, "scattered", stream_);
  rank->wait("scattered");
  rank->wait_all();
  EXPECT_THAT(values.host(), ElementsAre(1.5F, -2.0F, 3.25F));
}

TEST_F(NcclGpu, MakesOneCommunicatorAfterTheOther) {
  for (int i = 0; i < 3; ++i) {
    const auto rank = make_one_rank(60.0);
    DeviceArray<float> values({static_cast<float>(i)});
    rank->all_reduce_sum(values.data(), 1, "reduced", stream_);
    rank->wait_all();
    EXPECT_THAT(values.host(), ElementsAre(static_cast<float>(i)));
  }
}

TEST_F(NcclGpu, GivesUpOnADeviceThatDoesNotComeToTheCollective) {
  const auto rank = make_one_rank(0.0625);
  DeviceArray<float> values({1.0F});
  check_cuda(cudaLaunchHostFunc(
      stream_, [](void*) { std::this_thread::sleep_for(std::chrono::seconds(3)); }, nullptr));
  std::string message = "no error";
  try {
    rank->all_reduce_sum(values.data(), 1, "grad", stream_);
    rank->wait("grad");
  } catch (const Error& error) {
    message = error.what();
  }
  EXPECT_EQ(
      message,
      "[rank 0/1 node cuda:0] all_reduce(grad, 4 B): no answer within 0.0625 s. Another rank has stopped "
      "or is late: the log of the first that stopped has the cause.");
  check_cuda(cudaStreamSynchronize(stream_));
}

TEST_F(NcclGpu, RefusesADeviceThatIsNotThere) {
  try {
    const auto calls = make_nccl_calls(1000);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::environment);
    EXPECT_STREQ(
        error.what(),
        "cuda:1000: invalid device ordinal (need a GPU for each rank). Does CUDA_VISIBLE_DEVICES hide "
        "it?");
  }
}

TEST_F(NcclGpu, TwoProcessesOnOneGpuSumRightWhereNcclLetsThem) {
  ChildProcess pair({"mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", RECKON_NCCL_PAIR},
                    {.name = "nccl_pair"});
  const ChildLine line = pair.exchange("", 60.0);
  std::string outcome = line.text;
  if (line.status == ChildStatus::timeout) outcome = "hung: no answer within 60 s";
  if (line.status == ChildStatus::ended) outcome = "ended: " + pair.end_text() + "; " + pair.last_words();
  RecordProperty("two_processes_on_one_gpu", outcome);
  std::cout << "two processes on one GPU: " << outcome << std::endl;
  // Unproven on this library: only a wrong result is a failure.
  EXPECT_FALSE(outcome.starts_with("wrong")) << outcome;
}

}  // namespace
}  // namespace reckon
