// The communicator among real ranks: the id over MPI, sums, a rank that fails.
#include <gmock/gmock.h>

#include <chrono>
#include <numeric>

#include "dist/mpi_nccl.h"
#include "dist/scripted_nccl.h"
#include "reckon/base/error.h"
#include "reckon/dist/nccl_communicator.h"
#include "support/mpi_world.h"

namespace reckon {
namespace {

using testing::mpi_world;
using testing::MpiNccl;

std::unique_ptr<DeviceCommunicator> make_ranks(std::unique_ptr<MpiNccl> nccl, double timeout_s = 60.0) {
  return make_nccl_communicator(mpi_world(), std::move(nccl),
                                {.device = mpi_world().rank(), .host = "node", .timeout_s = timeout_s});
}

TEST(NcclRanks, GiveTheIdOfRankZeroToAll) {
  Communicator& world = mpi_world();
  testing::NcclScript script;
  script.made_id.fill(static_cast<std::byte>(100 + world.rank()));  // each would make another
  const auto ranks =
      make_nccl_communicator(world, std::make_unique<testing::ScriptedNccl>(script), NcclConfig{});
  NcclId expected;
  expected.fill(std::byte{100});
  EXPECT_EQ(script.init_id, expected);
  EXPECT_EQ(script.count("make_id"), world.rank() == 0 ? 1 : 0);
  EXPECT_EQ(script.count("init " + std::to_string(world.rank()) + "/" + std::to_string(world.size()) +
                         " channels 16"),
            1);
}

TEST(NcclRanks, AreAllToldWhereRankZeroCannotMakeAnId) {
  Communicator& world = mpi_world();
  testing::NcclScript script;
  script.make_id.then = {NcclStatus::nccl_failed, "unhandled system error"};
  script.last_error = "no socket interface found";
  const NcclConfig config{.device = 5, .host = "node"};
  const std::string label =
      "[rank " + std::to_string(world.rank()) + "/" + std::to_string(world.size()) + " node cuda:5] ";
  try {
    const auto ranks = make_nccl_communicator(world, std::make_unique<testing::ScriptedNccl>(script), config);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::environment);
    EXPECT_EQ(error.what(),
              label + (world.rank() == 0
                           ? "init: unique id: NCCL: unhandled system error; last: no socket interface found"
                           : "init: rank 0 could not make the unique id. Its log has the cause."));
  }
  const std::vector<std::string> at_root{"make_id", "abort"};
  const std::vector<std::string> elsewhere{"abort"};
  EXPECT_EQ(script.calls, world.rank() == 0 ? at_root : elsewhere);
}

TEST(NcclRanks, RefuseSettingsThatDiffer) {
  Communicator& world = mpi_world();
  testing::NcclScript script;
  if (world.rank() == 1) script.version = "2.30.3";
  if (world.size() == 1) {  // it has nobody to differ from
    EXPECT_NO_THROW((void)make_nccl_communicator(world, std::make_unique<testing::ScriptedNccl>(script),
                                                 {.device = 0, .host = "node"}));
    return;
  }
  try {
    const auto ranks = make_nccl_communicator(world, std::make_unique<testing::ScriptedNccl>(script),
                                              {.device = 0, .host = "node"});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::environment);
    EXPECT_EQ(error.what(), "[rank " + std::to_string(world.rank()) + "/" + std::to_string(world.size()) +
                                " node cuda:0] init: rank 1 has NCCL 2.30.3, 16 channels, NCCL_ALGO=Ring, "
                                "NCCL_PROTO=Simple; rank 0 has NCCL 2.28.9, 16 channels, NCCL_ALGO=Ring, "
                                "NCCL_PROTO=Simple (need the same on every rank)");
  }
}

TEST(NcclRanks, SumBroadcastGatherAndScatterWhatTheyGave) {
  Communicator& world = mpi_world();
  const auto size = static_cast<std::size_t>(world.size());
  const auto rank = static_cast<std::size_t>(world.rank());
  const auto ranks = make_ranks(std::make_unique<MpiNccl>());
  EXPECT_EQ(ranks->rank(), world.rank());
  EXPECT_EQ(ranks->size(), world.size());

  std::vector<float> gradient{static_cast<float>(rank + 1), -1.0F, 0.25F};
  ranks->all_reduce_sum(gradient.data(), gradient.size(), "gradient", nullptr);
  std::vector<float> reduced{static_cast<float>(rank + 1), 0.5F};
  ranks->reduce_sum(reduced.data(), reduced.size(), world.size() - 1, "reduced", nullptr);
  std::vector<int> weights{rank == size - 1 ? 42 : 0, rank == size - 1 ? -7 : 0};
  ranks->broadcast(weights.data(), weights.size() * sizeof(int), world.size() - 1, "weights", nullptr);
  std::vector<int> parts(2 * size, -1);
  parts[2 * rank] = static_cast<int>(10 * rank);
  parts[2 * rank + 1] = static_cast<int>(10 * rank + 1);
  ranks->all_gather(parts.data(), 2 * sizeof(int), "parts", nullptr);
  std::vector<float> scattered(2 * size);  // element i of rank r is i + 100 r
  std::iota(scattered.begin(), scattered.end(), 100.0F * static_cast<float>(rank));
  ranks->reduce_scatter_sum(scattered.data(), 2, "scattered", nullptr);

  ranks->wait("weights");  // not in the order of the calls
  ranks->wait_all();
  const auto n = static_cast<float>(size);
  EXPECT_THAT(gradient, ::testing::ElementsAre(n * (n + 1) / 2, -n, 0.25F * n));
  if (rank == size - 1) {
    EXPECT_THAT(reduced, ::testing::ElementsAre(n * (n + 1) / 2, 0.5F * n));
  }
  EXPECT_THAT(weights, ::testing::ElementsAre(42, -7));
  for (std::size_t r = 0; r < size; ++r) {
    EXPECT_EQ(parts[2 * r], static_cast<int>(10 * r));
    EXPECT_EQ(parts[2 * r + 1], static_cast<int>(10 * r + 1));
  }
  const float of_ranks = 100.0F * n * (n - 1) / 2;
  EXPECT_EQ(scattered[2 * rank], n * static_cast<float>(2 * rank) + of_ranks);
  EXPECT_EQ(scattered[2 * rank + 1], n * static_cast<float>(2 * rank + 1) + of_ranks);
}

TEST(NcclRanks, DoNotWaitLongerThanTheTimeoutForOneThatFailed) {
  Communicator& world = mpi_world();
  constexpr double kTimeout = 0.5;
  auto made = std::make_unique<MpiNccl>();
  MpiNccl& nccl = *made;
  const bool fails = world.rank() == world.size() - 1;
  if (fails) nccl.fail_at(1);
  const auto ranks = make_ranks(std::move(made), kTimeout);
  std::vector<float> first{1.0F};
  std::vector<float> second{2.0F};
  const auto start = std::chrono::steady_clock::now();
  std::string message;
  try {
    ranks->all_reduce_sum(first.data(), 1, "grad.layers.0", nullptr);
    ranks->wait("grad.layers.0");
    ranks->all_reduce_sum(second.data(), 1, "grad.layers.1", nullptr);
    ranks->wait("grad.layers.1");
  } catch (const Error& error) {
    message = error.what();
    EXPECT_EQ(error.code(), ExitCode::internal);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_EQ(first[0], static_cast<float>(world.size()));
  const std::string label = "[rank " + std::to_string(world.rank()) + "/" + std::to_string(world.size()) +
                            " node cuda:" + std::to_string(world.rank()) +
                            "] all_reduce(grad.layers.1, 4 B): ";
  if (fails) {
    EXPECT_EQ(message, label + "NCCL: remote process exited; last: the test says so");
  } else {
    EXPECT_EQ(message, label +
                           "no answer within 0.5 s. Another rank has stopped or is late: the log of the "
                           "first that stopped has the cause.");
    EXPECT_GE(seconds, kTimeout);
  }
  EXPECT_LT(seconds, kTimeout + 5.0);  // a loaded machine is slow
  world.barrier();                     // not before the others have given up
  nccl.catch_up();
}

}  // namespace
}  // namespace reckon
