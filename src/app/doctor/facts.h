#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reckon/dist/communicator.h"

namespace reckon::doctor {

/// A network interface that is up, but for the loopback.
struct Interface {
  std::string name;
  std::string address;  ///< IPv4, in dots
};

/// What one rank sees of its machine and itself.
struct RankFacts {
  int rank = 0;
  std::string host;
  std::string kernel;          ///< release
  std::string program_sha256;  ///< of the file that runs
  std::string torch, mpi, hdf5, nccl;
  std::string isa;                ///< instruction set of the kernels
  std::string fingerprint;        ///< of the numerics
  std::vector<int> cores;         ///< that this rank may run on
  std::int64_t open_files = 0;    ///< limits of the process; -1: none
  std::int64_t locked_bytes = 0;  ///< memory that may be pinned
  std::int64_t core_bytes = 0;    ///< of a core file
  bool has_infiniband = false;
  std::vector<Interface> interfaces;
};

/// Of this rank. \throws Error
[[nodiscard]] RankFacts facts_here(const Communicator& world);
/// Of all ranks, on every rank. Collective.
[[nodiscard]] std::vector<RankFacts> facts_of_all(Communicator& world);

/// The ranks of a host, by their numbers.
struct HostRanks {
  std::string host;
  std::vector<int> ranks;
};
/// In the order of their first ranks.
[[nodiscard]] std::vector<HostRanks> hosts_of(const std::vector<RankFacts>& facts);

/// "rank 3 (node2)"
[[nodiscard]] std::string name_of(const RankFacts& facts);

}  // namespace reckon::doctor
