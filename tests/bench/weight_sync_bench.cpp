// Weights from rank 0 to all others as training sends them, beside the bytes on the same wire in one piece:
//   mpirun -n 3 weight_sync_bench [MiB]
// wire: an MPI_Send of all of it to the next rank. sync: from send_weights() until every rank has the
// version, put together; with the SHA-256 that a worker takes before it uses them, besides.
#include <mpi.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "app/train/split/weight_sync.h"
#include "reckon/base/sha256.h"
#include "reckon/dist/communicator.h"
#include "reckon/dist/message_port.h"

namespace reckon {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Of the slowest rank.
double slowest(Communicator& world, double seconds) {
  world.maximum({&seconds, 1});
  return seconds;
}

double wire_seconds(Communicator& world, std::vector<float>& weights) {
  world.barrier();
  const auto start = Clock::now();
  const int bytes = static_cast<int>(weights.size() * sizeof(float));
  char word = 0;
  if (world.rank() == 0) {
    MPI_Send(weights.data(), bytes, MPI_BYTE, 1, 9, MPI_COMM_WORLD);
    MPI_Recv(&word, 1, MPI_BYTE, 1, 9, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  } else if (world.rank() == 1) {
    MPI_Recv(weights.data(), bytes, MPI_BYTE, 0, 9, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(&word, 1, MPI_BYTE, 0, 9, MPI_COMM_WORLD);
  }
  return slowest(world, world.rank() < 2 ? seconds_since(start) : 0);
}

double sync_seconds(Communicator& world, MessagePort& port, WeightReceiver& receiver,
                    PolicyVersions& versions, const std::vector<float>& weights, std::int64_t step) {
  std::vector<int> route(static_cast<std::size_t>(world.size() - 1));
  std::iota(route.begin(), route.end(), 1);
  world.barrier();
  const auto start = Clock::now();
  if (world.rank() == 0) {
    send_weights(port, route, {.step = step, .updates = step, .sha256 = std::string(64, '0'), .weights = {}},
                 weights);
    port.flush();
  } else {
    while (!versions.contains(step)) static_cast<void>(receiver.wait(versions, 0.002));
  }
  const double seconds = seconds_since(start);
  if (world.rank() != 0 && versions.at(step).weights != weights) std::abort();
  receiver.forget_before(versions, step);
  return slowest(world, seconds);
}

void print(const char* what, std::vector<double> times, double bytes) {
  std::sort(times.begin(), times.end());
  const double median = times[times.size() / 2];
  std::printf("%-6s %8.1f ms median (%.1f to %.1f), %7.2f GB/s\n", what, median * 1e3, times.front() * 1e3,
              times.back() * 1e3, bytes / median / 1e9);
}

void measure(Communicator& world, std::size_t mib) {
  constexpr int kRepeats = 7;
  std::vector<float> weights((mib << 20) / sizeof(float));
  std::iota(weights.begin(), weights.end(), 0.0f);
  const auto bytes = static_cast<double>(weights.size() * sizeof(float));
  const auto port = make_message_port(
      world, {.inbox_bytes = (mib << 21) + (64 << 20), .outbox_bytes = (mib << 21) + (64 << 20)});
  WeightReceiver receiver(*port, weights.size());
  PolicyVersions versions;
  std::vector<double> wire, sync;
  for (int i = -2; i < kRepeats; ++i) {
    const double on_wire = wire_seconds(world, weights);
    const double synced = sync_seconds(world, *port, receiver, versions, weights, i);
    if (i < 0) continue;
    wire.push_back(on_wire);
    sync.push_back(synced);
  }
  const auto start = Clock::now();
  const std::string hash =
      sha256_hex({reinterpret_cast<const char*>(weights.data()), weights.size() * sizeof(float)});
  const double hash_s = seconds_since(start);
  world.barrier();
  if (world.rank() != 0) return;
  std::printf("%d ranks, %zu MiB of weights, SHA-256 %.1f ms (%s...)\n", world.size(), mib, hash_s * 1e3,
              hash.substr(0, 8).c_str());
  print("wire", wire, bytes);
  print("sync", sync, bytes);
  std::vector<double> ratios;
  for (std::size_t i = 0; i < wire.size(); ++i) ratios.push_back(sync[i] / wire[i]);
  std::sort(ratios.begin(), ratios.end());
  std::printf("sync / wire: %.2f median (%.2f to %.2f)\n", ratios[ratios.size() / 2], ratios.front(),
              ratios.back());
}

}  // namespace
}  // namespace reckon

int main(int argc, char** argv) {
  reckon::MpiSession session(&argc, &argv);
  if (session.world().size() < 2) return std::puts("start it on two ranks or more"), 2;
  reckon::measure(session.world(), argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 64);
}
