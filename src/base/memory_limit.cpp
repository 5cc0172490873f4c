#include "reckon/base/memory_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

namespace reckon {
namespace {

namespace fs = std::filesystem;

constexpr double kMib = 1 << 20;

/// The number behind a name at the start of a line, as /proc/meminfo and memory.stat have it.
std::optional<double> number_after(const fs::path& file, const std::string& name) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string first;
    double value = 0;
    if (words >> first >> value && first == name) return value;
  }
  return std::nullopt;
}

/// A file with one number; none for "max", and where there is no such file.
std::optional<double> number_in(const fs::path& file) {
  std::ifstream in(file);
  double value = 0;
  if (in >> value) return value;
  return std::nullopt;
}

/// What the files of a version of control groups are called.
struct GroupFiles {
  const char* mount;  // below sys/fs/cgroup
  const char* limit;
  const char* usage;
  const char* cache;  // in memory.stat: the part of the usage that is given up
};
constexpr GroupFiles kVersion1{"memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
                               "total_inactive_file"};
constexpr GroupFiles kVersion2{"", "memory.max", "memory.current", "inactive_file"};

void take_least(MemoryLimit& limit, double mb, const std::string& source) {
  if (mb >= limit.machine_mb) return;
  limit.machine_mb = std::max(0.0, mb);
  limit.source = source;
}

/// A control group and those above it. In a container its path is often that of the machine outside, and only
/// the top is there.
void take_groups(MemoryLimit& limit, const fs::path& root, const GroupFiles& files, fs::path group) {
  const fs::path mount = root / "sys/fs/cgroup" / files.mount;
  for (group = group.relative_path();; group = group.parent_path()) {
    const fs::path folder = mount / group;
    const std::optional<double> most = number_in(folder / files.limit);
    const std::optional<double> used = number_in(folder / files.usage);
    if (most && used) {
      const double cache = number_after(folder / "memory.stat", files.cache).value_or(0);
      take_least(limit, (*most - *used + cache) / kMib, (folder / files.limit).string());
    }
    if (group.empty()) return;
  }
}

double address_space_left_mb(const fs::path& root) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<double>::infinity();
  const double used = number_after(root / "proc/self/status", "VmSize:").value_or(0) * 1024;
  return std::max(0.0, (static_cast<double>(limit.rlim_cur) - used) / kMib);
}

}  // namespace

MemoryLimit memory_limit(const fs::path& root) {
  MemoryLimit limit{.machine_mb = std::numeric_limits<double>::infinity(),
                    .source = "",
                    .process_mb = address_space_left_mb(root)};
  if (const auto available = number_after(root / "proc/meminfo", "MemAvailable:"))
    take_least(limit, *available / 1024, "MemAvailable");
  std::ifstream groups(root / "proc/self/cgroup");  // number:controllers:path, a line each
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1);
    if (controllers == ",,") take_groups(limit, root, kVersion2, path);
    if (controllers.find(",memory,") != std::string::npos) take_groups(limit, root, kVersion1, path);
  }
  return limit;
}

}  // namespace reckon
