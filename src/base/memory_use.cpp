#include "reckon/base/memory_use.h"

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace reckon {
namespace {

namespace fs = std::filesystem;

/// 0 where there is no such process any more.
double resident_mb(const std::string& process) {
  std::ifstream file("/proc/" + process + "/statm");
  double total = 0, resident = 0;  // pages
  if (!(file >> total >> resident)) return 0;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

/// The processes that any thread of a process has started and that are not waited for yet.
std::vector<std::string> children_of(const std::string& process) {
  std::vector<std::string> children;
  std::error_code ended;
  for (fs::directory_iterator task("/proc/" + process + "/task", ended), end; !ended && task != end;
       task.increment(ended)) {
    std::ifstream file(task->path() / "children");
    for (std::string child; file >> child;) children.push_back(child);
  }
  return children;
}

}  // namespace

MemoryUse memory_use() {
  MemoryUse use{.own_mb = resident_mb("self")};
  std::vector<std::string> waiting = children_of("self");
  while (!waiting.empty()) {
    const std::string process = waiting.back();
    waiting.pop_back();
    use.helpers_mb += resident_mb(process);
    for (std::string& child : children_of(process)) waiting.push_back(std::move(child));
  }
  return use;
}

void release_free_memory() {
  malloc_trim(0);
}

double peak_memory_mb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;  // KiB
}

}  // namespace reckon
