#include "machine_memory.h"

#include <unistd.h>

#include "reckon/base/memory_use.h"

namespace reckon {

MachineMemory machine_memory(Communicator& world) {
  MachineMemory machine{.limit = memory_limit(), .ranks_here = 0, .program_mb = memory_use().own_mb};
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  for (const std::string& other : world.all_gather(host)) machine.ranks_here += other == host ? 1 : 0;
  return machine;
}

}  // namespace reckon
