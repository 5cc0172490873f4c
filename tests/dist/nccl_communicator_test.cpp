// What one rank does when the library answers well, late, wrongly or never. The clock is the script's.
#include "reckon/dist/nccl_communicator.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <limits>
#include <stdexcept>

#include "dist/scripted_nccl.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using testing::LoneRank;
using testing::NcclScript;
using testing::ScriptedNccl;
using ::testing::ThrowsMessage;

const NcclResult kInProgress{NcclStatus::in_progress, ""};
const NcclResult kRemoteError{NcclStatus::nccl_failed, "remote process exited or there was a network error"};
constexpr char kLabel[] = "[rank 3/8 gpu02 cuda:3] ";
constexpr char kLate[] =
    "no answer within 600 s. Another rank has stopped or is late: the log of the first that stopped has the "
    "cause.";

NcclConfig config_of(double timeout_s = 600.0) {
  return {.device = 3, .host = "gpu02", .timeout_s = timeout_s, .num_channels = 8};
}

/// Rank 3 of 8.
std::unique_ptr<DeviceCommunicator> make_rank_3(NcclScript& script, const NcclConfig& config = config_of()) {
  LoneRank world(3, 8);
  return make_nccl_communicator(world, std::make_unique<ScriptedNccl>(script), config);
}

/// Runs what must throw an Error. \return its message
template <class Run>
std::string error_of(ExitCode code, Run run) {
  try {
    run();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  return "no error";
}

TEST(NcclCommunicator, WaitsForAnInitThatTakesTime) {
  NcclScript script;
  script.init.then = kInProgress;
  script.state.first.assign(500, kInProgress);
  const auto rank = make_rank_3(script);
  EXPECT_EQ(script.state.num_given, 500U);
  EXPECT_GT(script.now_s, 1000.0);
  EXPECT_THAT(script.calls, ElementsAre("init 3/8 channels 8"));
  EXPECT_EQ(rank->rank(), 3);
  EXPECT_EQ(rank->size(), 8);
}

TEST(NcclCommunicator, AbortsAnInitThatNeverEnds) {
  NcclScript script;
  script.init.then = kInProgress;
  script.state.then = kInProgress;
  EXPECT_EQ(error_of(ExitCode::environment, [&] { make_rank_3(script, config_of(600.0)); }),
            std::string(kLabel) +
                "init: no answer within 600 s. Every rank must be started and reach rank 0 over the network; "
                "NCCL_DEBUG=INFO tells the interface.");
  EXPECT_GE(script.now_s, 1600.0);
  EXPECT_LT(script.now_s, 1600.1);
  EXPECT_THAT(script.calls, ElementsAre("init 3/8 channels 8", "abort"));
}

TEST(NcclCommunicator, TellsWhyInitFailed) {
  NcclScript at_once;
  at_once.init.then = {NcclStatus::nccl_failed, "invalid usage"};
  at_once.last_error = "Duplicate GPU detected : rank 3 and rank 2 both on CUDA device 4000";
  EXPECT_EQ(error_of(ExitCode::environment, [&] { make_rank_3(at_once); }),
            std::string(kLabel) +
                "init: NCCL: invalid usage; last: Duplicate GPU detected : rank 3 and rank 2 both on CUDA "
                "device 4000");
  EXPECT_EQ(at_once.count("abort"), 1);

  NcclScript later;
  later.init.then = kInProgress;
  later.state.first = {kInProgress, {NcclStatus::nccl_failed, "unhandled cuda error"}};
  EXPECT_EQ(error_of(ExitCode::environment, [&] { make_rank_3(later); }),
            std::string(kLabel) + "init: NCCL: unhandled cuda error");
  EXPECT_EQ(later.count("abort"), 1);
}

TEST(NcclCommunicator, RecordsTheEventOnlyWhenNcclHasTakenTheCall) {
  NcclScript script;
  const auto rank = make_rank_3(script);
  script.collective.first = {kInProgress};
  script.state.first = {kInProgress, kInProgress, {}};
  script.state.then = kRemoteError;  // a fourth look would fail
  rank->all_reduce_sum(nullptr, 1, "grad", nullptr);
  EXPECT_EQ(script.state.num_given, 3U);
  EXPECT_THAT(script.calls, ElementsAre("init 3/8 channels 8", "all_reduce_sum 1", "record"));
  script.state.then = {};
}

TEST(NcclCommunicator, AbortsOnceOnAnErrorInTheMiddle) {
  NcclScript script;
  {
    const auto rank = make_rank_3(script);
    rank->all_reduce_sum(nullptr, 103'000'000, "grad.layers.0", nullptr);
    script.query.then = kInProgress;
    script.state.first.assign(100, {});
    script.state.then = kRemoteError;
    script.last_error = "socket closed by peer gpu05";
    const std::string message = std::string(kLabel) +
                                "all_reduce(grad.layers.0, 412.0 MB): NCCL: remote process exited or there "
                                "was a network error; last: "
                                "socket closed by peer gpu05";
    EXPECT_EQ(error_of(ExitCode::internal, [&] { rank->wait("grad.layers.0"); }), message);
    // Nothing of NCCL is called any more.
    EXPECT_EQ(
        error_of(ExitCode::internal, [&] { rank->broadcast(nullptr, 5, 0, "w", nullptr); }),
        std::string(kLabel) + "broadcast(w, 5 B): the communicator was aborted. The first error: " + message);
    EXPECT_EQ(error_of(ExitCode::internal, [&] { rank->wait("grad.layers.0"); }),
              std::string(kLabel) +
                  "wait(grad.layers.0): the communicator was aborted. The first error: " + message);
    EXPECT_EQ(error_of(ExitCode::internal, [&] { rank->wait_all(); }),
              std::string(kLabel) + "wait_all: the communicator was aborted. The first error: " + message);
  }
  EXPECT_THAT(script.calls,
              ElementsAre("init 3/8 channels 8", "all_reduce_sum 103000000", "record", "abort"));
  EXPECT_EQ(script.num_events, 0);
}

TEST(NcclCommunicator, BelievesNcclWhereTheDeviceSaysDone) {
  NcclScript script;
  const auto rank = make_rank_3(script);
  rank->all_reduce_sum(nullptr, 250, "grad", nullptr);
  script.state.then = kRemoteError;
  EXPECT_EQ(error_of(ExitCode::internal, [&] { rank->wait("grad"); }),
            std::string(kLabel) +
                "all_reduce(grad, 1.0 kB): NCCL: remote process exited or there was a network error");
}

TEST(NcclCommunicator, TellsWhatCudaFailedWith) {
  NcclScript script;
  const auto rank = make_rank_3(script);
  rank->reduce_scatter_sum(nullptr, 5, "grad", nullptr);
  script.query.then = {NcclStatus::cuda_failed, "an illegal memory access was encountered"};
  EXPECT_EQ(
      error_of(ExitCode::internal, [&] { rank->wait_all(); }),
      std::string(kLabel) + "reduce_scatter(grad, 160 B): CUDA: an illegal memory access was encountered");
  EXPECT_EQ(script.count("abort"), 1);

  NcclScript event;
  const auto other = make_rank_3(event);
  event.record.then = {NcclStatus::cuda_failed, "out of memory"};
  EXPECT_EQ(error_of(ExitCode::internal, [&] { other->all_gather(nullptr, 2, "w", nullptr); }),
            std::string(kLabel) + "all_gather(w, 16 B): CUDA: out of memory");
  EXPECT_EQ(event.count("abort"), 1);
}

TEST(NcclCommunicator, AbortsACollectiveThatNeverCompletes) {
  NcclScript script;
  const auto rank = make_rank_3(script);
  rank->broadcast(nullptr, 1'500'000'000, 7, "weights", nullptr);
  script.now_s += 10'000.0;  // what the device needed before is not waiting
  const double start = script.now_s;
  script.query.then = kInProgress;
  EXPECT_EQ(error_of(ExitCode::internal, [&] { rank->wait("weights"); }),
            std::string(kLabel) + "broadcast(weights, 1.50 GB): " + kLate);
  EXPECT_GE(script.now_s, start + 600.0);
  EXPECT_LT(script.now_s, start + 600.1);
  EXPECT_EQ(script.longest_pause_s, 1e-3);
  EXPECT_EQ(script.count("abort"), 1);
}

TEST(NcclCommunicator, AbortsACallThatNcclNeverTakes) {
  NcclScript script;
  const auto rank = make_rank_3(script, config_of(0.25));
  script.collective.then = kInProgress;
  script.state.then = kInProgress;
  EXPECT_EQ(
      error_of(ExitCode::internal, [&] { rank->all_reduce_sum(nullptr, 1, "grad", nullptr); }),
      std::string(kLabel) +
          "all_reduce(grad, 4 B): no answer within 0.25 s. Another rank has stopped or is late: the log "
          "of the first that stopped has the cause.");
  EXPECT_EQ(script.count("record"), 0);
  EXPECT_EQ(script.count("abort"), 1);
}

TEST(NcclCommunicator, LooksOnceMoreWhereItWasHeldUp) {
  // A process that is stopped for an hour after each look finds what completed in the meantime.
  NcclScript script;
  script.held_up_s = 3600.0;
  script.init.then = kInProgress;
  script.state.first = {kInProgress};
  const auto rank = make_rank_3(script);
  rank->all_reduce_sum(nullptr, 1, "grad", nullptr);
  script.query.first = {kInProgress};
  rank->wait("grad");
  EXPECT_EQ(script.count("abort"), 0);
}

TEST(NcclCommunicator, CountsSizesOver2To31) {
  NcclScript script;
  const auto rank = make_rank_3(script);
  constexpr std::size_t kCount = (std::size_t{1} << 31) + 3;  // 8.59 GB of float32, and 8 parts of it
  rank->all_reduce_sum(nullptr, kCount, "a", nullptr);
  rank->reduce_sum(nullptr, kCount, 7, "r", nullptr);
  rank->broadcast(nullptr, kCount, 0, "b", nullptr);
  rank->all_gather(nullptr, kCount, "c", nullptr);
  rank->reduce_scatter_sum(nullptr, kCount, "d", nullptr);
  EXPECT_THAT(script.calls,
              ElementsAre("init 3/8 channels 8", "all_reduce_sum 2147483651", "record",
                          "reduce_sum 2147483651 to 7", "record", "broadcast 2147483651 from 0", "record",
                          "all_gather 2147483651", "record", "reduce_scatter_sum 2147483651", "record"));
  script.query.then = kInProgress;
  EXPECT_EQ(error_of(ExitCode::internal, [&] { rank->wait("d"); }),
            std::string(kLabel) + "reduce_scatter(d, 68.72 GB): " + kLate);
}

TEST(NcclCommunicator, WaitsForEveryCollectiveOfTheTensorAndUsesEventsAgain) {
  NcclScript script;
  auto rank = make_rank_3(script);
  rank->all_reduce_sum(nullptr, 1, "a", nullptr);
  rank->all_reduce_sum(nullptr, 1, "b", nullptr);
  rank->all_reduce_sum(nullptr, 1, "a", nullptr);
  script.query.first = {kInProgress, {}, kInProgress, kInProgress, {}};
  rank->wait("a");
  EXPECT_EQ(script.query.num_given, 5U);
  EXPECT_THAT([&] { rank->wait("a"); },
              ThrowsMessage<std::logic_error>("wait: no collective of \"a\" is under way"));
  EXPECT_EQ(script.num_events, 3);
  rank->all_reduce_sum(nullptr, 1, "c", nullptr);
  EXPECT_EQ(script.num_events, 3);
  rank->wait_all();
  EXPECT_THROW(rank->wait("b"), std::logic_error);
  EXPECT_EQ(script.count("abort"), 0);
  rank.reset();
  EXPECT_EQ(script.num_events, 0);
}

TEST(NcclCommunicator, IsFinalizedNotAbortedWhenItEndsWell) {
  NcclScript script;
  {
    const auto rank = make_rank_3(script);
    rank->all_reduce_sum(nullptr, 1, "grad", nullptr);  // nobody waits: finalizing completes it
    script.finalize.then = kInProgress;
    script.state.first = {kInProgress, kInProgress, {}};
  }
  EXPECT_THAT(script.calls,
              ElementsAre("init 3/8 channels 8", "all_reduce_sum 1", "record", "finalize", "destroy"));
  EXPECT_EQ(script.state.num_given, 3U);
  EXPECT_EQ(script.num_events, 0);
}

TEST(NcclCommunicator, IsAbortedWhereFinalizingNeverEnds) {
  NcclScript script;
  ::testing::internal::CaptureStderr();
  make_rank_3(script).reset();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  NcclScript stuck;
  stuck.finalize.then = kInProgress;
  ::testing::internal::CaptureStderr();
  {
    const auto rank = make_rank_3(stuck);
    stuck.state.then = kInProgress;
  }
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "warning: " + std::string(kLabel) + "finalize: " + kLate + "\n");
  EXPECT_THAT(stuck.calls, ElementsAre("init 3/8 channels 8", "finalize", "abort"));
}

TEST(NcclCommunicator, IsAbortedAtOnceWhileAnExceptionPasses) {
  NcclScript script;
  script.finalize.then = kInProgress;
  try {
    const auto rank = make_rank_3(script);
    rank->all_reduce_sum(nullptr, 1, "grad", nullptr);
    throw std::runtime_error("the loss is not finite");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "the loss is not finite");
  }
  EXPECT_THAT(script.calls, ElementsAre("init 3/8 channels 8", "all_reduce_sum 1", "record", "abort"));
  EXPECT_EQ(script.now_s, 1000.0);
}

TEST(NcclCommunicator, FixesAlgorithmAndProtocolWhereTheUserDidNot) {
  NcclScript script;
  unsetenv("NCCL_ALGO");
  setenv("NCCL_PROTO", "LL128", 1);
  make_rank_3(script);
  EXPECT_STREQ(std::getenv("NCCL_ALGO"), "Ring");
  EXPECT_STREQ(std::getenv("NCCL_PROTO"), "LL128");
  unsetenv("NCCL_PROTO");
  make_rank_3(script);
  EXPECT_STREQ(std::getenv("NCCL_PROTO"), "Simple");
}

TEST(NcclCommunicator, RefusesRanksWhoseEnvironmentDiffers) {
  NcclScript script;
  setenv("NCCL_MAX_CTAS", "4", 1);
  LoneRank world(3, 8);
  world.say(6, "NCCL 2.28.9, 8 channels, NCCL_ALGO=Tree");
  EXPECT_EQ(
      error_of(ExitCode::environment,
               [&] {
                 const auto made =
                     make_nccl_communicator(world, std::make_unique<ScriptedNccl>(script), config_of());
               }),
      std::string(kLabel) +
          "init: rank 6 has NCCL 2.28.9, 8 channels, NCCL_ALGO=Tree; rank 0 has NCCL 2.28.9, 8 channels, "
          "NCCL_ALGO=Ring, NCCL_PROTO=Simple, NCCL_MAX_CTAS=4 (need the same on every rank)");
  unsetenv("NCCL_MAX_CTAS");
  EXPECT_EQ(script.calls.size(), 0U);
}

TEST(NcclCommunicator, RefusesAnEnvironmentInWhichNcclBlocks) {
  NcclScript script;
  setenv("NCCL_COMM_BLOCKING", "1", 1);
  EXPECT_EQ(
      error_of(ExitCode::environment, [&] { make_rank_3(script); }),
      std::string(kLabel) +
          "init: NCCL_COMM_BLOCKING is \"1\" (need it unset or 0: a rank that has stopped is else waited "
          "for without limit)");
  setenv("NCCL_COMM_BLOCKING", "0", 1);
  EXPECT_NO_THROW(make_rank_3(script));
  unsetenv("NCCL_COMM_BLOCKING");
}

TEST(NcclCommunicator, RefusesAConfigOutOfRange) {
  NcclScript script;
  const auto make = [&](double timeout_s, int num_channels) {
    return make_rank_3(script,
                       {.device = 0, .host = "", .timeout_s = timeout_s, .num_channels = num_channels});
  };
  EXPECT_THAT([&] { make(0.0, 8); }, ThrowsMessage<std::invalid_argument>(
                                         "NcclConfig: timeout_s is 0 (need a positive number of seconds)"));
  EXPECT_THROW(make(std::numeric_limits<double>::quiet_NaN(), 8), std::invalid_argument);
  EXPECT_THROW(make(std::numeric_limits<double>::infinity(), 8), std::invalid_argument);
  EXPECT_THAT([&] { make(1.0, 65); },
              ThrowsMessage<std::invalid_argument>("NcclConfig: num_channels is 65 (need 1 to 64)"));
  EXPECT_THROW(make(1.0, 0), std::invalid_argument);
  EXPECT_NO_THROW(make(1.0, 64));
  const auto rank = make_rank_3(script);
  EXPECT_THAT([&] { rank->broadcast(nullptr, 1, 8, "w", nullptr); },
              ThrowsMessage<std::invalid_argument>("broadcast: root 8 is not a rank (need 0 to 7)"));
  EXPECT_THROW(rank->broadcast(nullptr, 1, -1, "w", nullptr), std::invalid_argument);
}

}  // namespace
}  // namespace reckon
