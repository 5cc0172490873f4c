#include "step_memory.h"

#include <array>

namespace reckon {

MemoryUse largest_memory_use(Communicator& world) {
  release_free_memory();
  const MemoryUse mine = memory_use();
  std::array<double, 2> largest{mine.own_mb, mine.helpers_mb};
  world.maximum(largest);
  return {.own_mb = largest[0], .helpers_mb = largest[1]};
}

void add_memory(MetricsRow& row, const MemoryUse& use) {
  row.add("rss_mb_max", use.own_mb);
  row.add("rss_helpers_mb", use.helpers_mb);
}

}  // namespace reckon
