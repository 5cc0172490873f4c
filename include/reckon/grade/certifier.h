#pragma once

#include <cstdint>

namespace reckon {

/// Worker processes that prove constants equal or different by exact computation in field extensions
/// (Calcium), which may take any time and memory: sqrt(2 + sqrt 5) and the like, after all cheaper ways
/// failed. A request that takes more than 200 ms ends with its worker, which is replaced; so does one that
/// needs more than 512 MB.
///
/// Starts the process that starts the workers, a copy of the calling one: call it first thing in main(),
/// before there are threads, CUDA or MPI, from the main thread. Workers start with the first requests. All
/// end with the caller, whatever ends it. Does nothing where they are started.
///
/// Where this was never called, the first request does it, as if with two workers: right for tools and tests;
/// in a program with threads it copies whatever locks these hold. \param num_workers  as many requests run at
/// once; others wait for their turn, within their 200 ms. \throws std::invalid_argument  unless it is between
/// 1 and 64. \throws std::system_error      where the system has no process or descriptors left.
void start_certifiers(int num_workers);

/// Ends and reaps all of them. Also done when the program exits.
void stop_certifiers();

/// Counts since the program started.
struct CertifierStats {
  std::uint64_t requests = 0;
  std::uint64_t timeouts = 0;  ///< requests without an answer in time
  std::uint64_t deaths = 0;    ///< workers that ended by themselves during a request: out of memory, say
};
[[nodiscard]] CertifierStats certifier_stats();

}  // namespace reckon
