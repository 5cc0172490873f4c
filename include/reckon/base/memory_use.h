#pragma once

#include <cstdint>

namespace reckon {

/// Memory that is resident, in MiB; a page that processes share counts for each of them.
struct MemoryUse {
  double own_mb = 0;      ///< this process
  double helpers_mb = 0;  ///< all processes that it started, and that those started: graders, certifiers
};

/// From /proc: a few files a process. A process that ends meanwhile counts nothing.
[[nodiscard]] MemoryUse memory_use();

/// Gives pages of the heap that hold nothing back to the system. Small things that live long, between large
/// ones that come and go, leave such pages: without this a long run seems to grow.
void release_free_memory();

/// The largest resident memory that this process has had, in MiB.
[[nodiscard]] double peak_memory_mb();

}  // namespace reckon
