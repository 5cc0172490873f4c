#pragma once

#include <chrono>
#include <fstream>
#include <string>

namespace reckon::testing {

/// A field of a status file of /proc in KiB: VmRSS is what a process has in memory, VmHWM the most it had;
/// 0 where there is none.
inline long status_kib(const std::string& field, const std::string& process = "self") {
  std::ifstream in("/proc/" + process + "/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with(field + ":")) return std::stol(line.substr(field.size() + 1));
  }
  return 0;
}

/// Time and memory from its making on.
class ResourceMeter {
 public:
  ResourceMeter() {
    std::ofstream("/proc/self/clear_refs") << "5";  // VmHWM starts anew
    kib_ = status_kib("VmRSS");
    start_ = std::chrono::steady_clock::now();
  }
  [[nodiscard]] double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  /// The most memory that this process had, above what it had at the start. MiB.
  [[nodiscard]] double growth_mib() const { return static_cast<double>(status_kib("VmHWM") - kib_) / 1024.0; }

 private:
  long kib_ = 0;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace reckon::testing
