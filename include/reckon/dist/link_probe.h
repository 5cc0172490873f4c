#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "reckon/dist/communicator.h"

namespace reckon {

/// Messages of one size, there and back.
struct MessageSpeed {
  std::size_t bytes = 0;
  double bytes_per_s = 0;  ///< one way, of the fastest
};

/// What messages between two ranks take.
struct LinkReading {
  int first = 0, second = 0;        ///< ranks
  double round_trip_s = 0;          ///< of eight bytes, the fastest
  double slowest_round_trip_s = 0;  ///< the slowest of the same messages
  std::vector<MessageSpeed> sizes;  ///< from small to large
  bool is_whole = true;             ///< all came back as they were sent
  double clock_ahead_s = 0;         ///< the second's time of day less the first's, within half the round trip
};

struct LinkProbeOptions {
  std::vector<std::size_t> sizes{std::size_t{64} << 10, std::size_t{1} << 20, std::size_t{16} << 20};
  int repeats = 10;        ///< of the small message; the large ones, a third of it
  double time_s = 0.5;     ///< no larger size is begun where one took so long
  double deadline_s = 30;  ///< longest wait for one message
};

/// Pairs that are measured at once: a rank is in one of them at most.
using LinkRound = std::vector<std::pair<int, int>>;

/// Measures links, the pairs of a round at the same time, one round behind the other. Collective; the rounds
/// are the same on every rank. \return readings of all pairs, in order, on every rank
/// \throws Error(environment) naming both ranks, where a message does not come. MPI is still busy with it
///         then, and the job must be aborted.
[[nodiscard]] std::vector<LinkReading> probe_links(Communicator& world, const std::vector<LinkRound>& rounds,
                                                   const LinkProbeOptions& options = {});

/// Rounds in which each of `members` meets each other one once: a tournament. Where there are more than
/// `most_all`, each meets those at distances 1, 2, 4, 8, ... alone.
[[nodiscard]] std::vector<LinkRound> rounds_of_pairs(const std::vector<int>& members,
                                                     std::size_t most_all = 64);

/// What the library of MPI calls itself, for example "Open MPI v4.1.4".
[[nodiscard]] std::string mpi_library();

}  // namespace reckon
