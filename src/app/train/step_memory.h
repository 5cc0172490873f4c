#pragma once

#include "reckon/base/memory_use.h"
#include "reckon/dist/communicator.h"
#include "reckon/record/metrics.h"

namespace reckon {

/// What the rank that holds the most holds, and the most that one rank's helper processes hold. What is free
/// goes back to the system first. Collective.
[[nodiscard]] MemoryUse largest_memory_use(Communicator& world);
/// The columns rss_mb_max and rss_helpers_mb.
void add_memory(MetricsRow& row, const MemoryUse& use);

}  // namespace reckon
