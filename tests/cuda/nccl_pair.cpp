// Two ranks on one GPU, for nccl_gpu_test: NCCL may refuse this, so rank 0 prints one line that says what
// came of it: "right", "wrong: ..." or "refused: ...". Run under mpirun -n 2.
#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <optional>

#include "cuda/device_array.h"
#include "reckon/base/error.h"
#include "reckon/dist/communicator.h"
#include "reckon/dist/nccl_communicator.h"

namespace {

using reckon::testing::DeviceArray;

/// Makes the two ranks look like two machines: NCCL refuses two ranks of one machine on one GPU.
void set_environment(int rank) {
  setenv("NCCL_HOSTID", ("r" + std::to_string(rank)).c_str(), 1);
  setenv("NCCL_NET", "Socket", 1);
  setenv("NCCL_IB_DISABLE", "1", 1);
  setenv("NCCL_SOCKET_IFNAME", "lo", 1);
  setenv("NCCL_RAS_ENABLE", "0", 1);
  setenv("NCCL_NVLS_ENABLE", "0", 1);
  setenv("NCCL_MAX_CTAS", "2", 1);
}

/// Small whole numbers, whose sums are exact in any order. Differs between elements and ranks.
float value_of(int rank, std::size_t i) {
  return static_cast<float>(i % 1000) + 1000.0F * static_cast<float>(rank + 1);
}

std::vector<float> values_of(int rank, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = value_of(rank, i);
  return values;
}

/// The first of [begin, begin + count) that is not as expected, in words; empty where all are.
template <class Expected>
std::string difference(const std::string& what, const std::vector<float>& values, std::size_t begin,
                       std::size_t count, Expected expected) {
  for (std::size_t i = begin; i < begin + count; ++i) {
    if (values[i] == expected(i)) continue;
    return what + "[" + std::to_string(i) + "] is " + std::to_string(values[i]) + ", not " +
           std::to_string(expected(i)) + "; ";
  }
  return "";
}

/// Each collective with `count` elements a rank. \return what is wrong; empty where nothing is
std::string try_collectives(reckon::DeviceCommunicator& ranks, std::size_t count) {
  const int rank = ranks.rank();
  const std::string size = " of " + std::to_string(count);
  const auto sum = [](std::size_t i) { return value_of(0, i) + value_of(1, i); };
  DeviceArray<float> reduced(values_of(rank, count));
  DeviceArray<float> broadcast(values_of(rank, count));
  DeviceArray<float> gathered(values_of(rank, 2 * count));
  DeviceArray<float> scattered(values_of(rank, 2 * count));
  cudaStream_t stream = nullptr;
  reckon::testing::check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  ranks.all_reduce_sum(reduced.data(), count, "reduced", stream);
  ranks.broadcast(broadcast.data(), broadcast.bytes(), 1, "broadcast", stream);
  ranks.all_gather(gathered.data(), count * sizeof(float), "gathered", stream);
  ranks.reduce_scatter_sum(scattered.data(), count, "scattered", stream);
  ranks.wait_all();
  const auto part_owner = [count](std::size_t i) { return value_of(i < count ? 0 : 1, i); };
  const std::string wrong = difference("all_reduce" + size, reduced.host(), 0, count, sum) +
                            difference("broadcast" + size, broadcast.host(), 0, count,
                                       [](std::size_t i) { return value_of(1, i); }) +
                            difference("all_gather" + size, gathered.host(), 0, 2 * count, part_owner) +
                            difference("reduce_scatter" + size, scattered.host(),
                                       static_cast<std::size_t>(rank) * count, count, sum);
  reckon::testing::check_cuda(cudaStreamDestroy(stream));
  return wrong;
}

/// This rank's outcome in one line.
std::string outcome(reckon::Communicator& world) {
  try {
    const auto ranks = reckon::make_nccl_communicator(
        world, reckon::make_nccl_calls(0), {.device = 0, .host = "", .timeout_s = 20.0, .num_channels = 2});
    std::string wrong;
    for (const std::size_t count : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20U}) {
      wrong += try_collectives(*ranks, count);
    }
    return wrong.empty() ? "right" : "wrong: " + wrong;
  } catch (const std::exception& error) {
    return std::string("refused: ") + error.what();
  }
}

}  // namespace

int main(int argc, char** argv) {
  alarm(50);  // a rank that hangs in a call of NCCL must not outlive the test
  std::optional<reckon::MpiSession> session;
  session.emplace(&argc, &argv);
  reckon::Communicator& world = session->world();
  set_environment(world.rank());
  const std::vector<std::string> outcomes = world.gather(outcome(world), 0);
  if (world.rank() == 0) {
    // The worst counts: wrong before refused before right.
    std::string line = outcomes[0];
    for (const std::string& other : outcomes) {
      if (other.starts_with("wrong") || line == "right") line = other;
    }
    std::cout << line << std::endl;
  }
  session.reset();
}
