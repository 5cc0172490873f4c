// How long collectives of all ranks take: mpirun -n 2 communicator_bench. Median of the slowest rank's times.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "reckon/dist/communicator.h"
#include "reckon/dist/message_port.h"

namespace reckon {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void measure(Communicator& world, const char* name, int repeats, const std::function<void()>& call) {
  std::vector<double> times;
  for (int i = 0; i < repeats + 3; ++i) {
    world.barrier();
    const auto start = std::chrono::steady_clock::now();
    call();
    if (i >= 3) times.push_back(seconds_since(start));
  }
  std::sort(times.begin(), times.end());
  std::vector<double> found{times[times.size() / 2], times[times.size() * 9 / 10]};
  world.maximum(found);
  if (world.rank() == 0)
    std::printf("%-24s %10.1f us median %10.1f us at 90 %%\n", name, found[0] * 1e6, found[1] * 1e6);
}

void measure_all(Communicator& world) {
  constexpr std::size_t kMega = std::size_t{1} << 20;
  const std::string small(8, 'a'), large(kMega, 'b'), huge(64 * kMega, 'c');
  std::vector<double> sums(8, 1.0);
  std::string buffer = large;
  const auto parts = [&](std::size_t bytes) {
    return std::vector<std::string>(static_cast<std::size_t>(world.size()), std::string(bytes, 'd'));
  };
  measure(world, "barrier", 500, [&] { world.barrier(); });
  measure(world, "sum of 8", 500, [&] { world.sum(sums); });
  measure(world, "all_gather 8 B", 500, [&] { (void)world.all_gather(small); });
  measure(world, "all_gather 1 MB", 50, [&] { (void)world.all_gather(large); });
  measure(world, "broadcast 1 MB", 50,
          [&] { world.broadcast(std::as_writable_bytes(std::span(buffer)), 0); });
  measure(world, "all_to_all 1 MB", 50, [&] { (void)world.all_to_all(parts(kMega)); });
  measure(world, "all_gather 64 MB", 5, [&] { (void)world.all_gather(huge); });
  measure(world, "all_to_all 64 MB", 5, [&] { (void)world.all_to_all(parts(64 * kMega)); });
}

/// From rank 0 to the last one and back.
void measure_port(Communicator& world) {
  if (world.size() == 1) return;
  const auto port = make_message_port(world);
  const int last = world.size() - 1;
  const auto there_and_back = [&](std::size_t bytes) {
    if (world.rank() == 0) {
      port->send(last, Channel::weights, std::string(bytes, 'e'));
      (void)port->wait(Channel::control, "the answer");
    } else if (world.rank() == last) {
      (void)port->wait(Channel::weights, "the message");
      port->send(0, Channel::control, "here");
    }
  };
  measure(world, "port 8 B and back", 200, [&] { there_and_back(8); });
  measure(world, "port 64 MB and back", 5, [&] { there_and_back(std::size_t{64} << 20); });
}

}  // namespace
}  // namespace reckon

int main(int argc, char** argv) {
  reckon::MpiSession session(&argc, &argv);
  reckon::measure_all(session.world());
  reckon::measure_port(session.world());
}
