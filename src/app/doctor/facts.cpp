#include "facts.h"

#include <arpa/inet.h>
#include <hdf5.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <torch/version.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "reckon/base/sha256.h"
#include "reckon/dist/link_probe.h"
#include "reckon/ops/fingerprint.h"
#include "reckon/ops/isa.h"
#ifndef RECKON_EMULATE_CUDA
#include "reckon/dist/nccl_calls.h"
#include "reckon/gpu/engine.h"
#endif

namespace reckon::doctor {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Interface, name, address)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RankFacts, rank, host, kernel, program_sha256, torch, mpi, hdf5, nccl, isa,
                                   fingerprint, cores, open_files, locked_bytes, core_bytes, has_infiniband,
                                   interfaces)

namespace {

std::string kernel_release() {
  utsname names{};
  return uname(&names) == 0 ? names.release : "";
}

std::string hdf5_version() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release);
}

/// "" where this program has none, or no GPU to use it on.
std::string nccl_version() {
#ifndef RECKON_EMULATE_CUDA
  if (cuda::device_count() > 0) return make_nccl_calls(gpu::choose_device())->version();
#endif
  return "";
}

std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

std::int64_t limit_of(__rlimit_resource resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return -1;
  return static_cast<std::int64_t>(limit.rlim_cur);
}

std::vector<Interface> interfaces_here() {
  std::vector<Interface> interfaces;
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return interfaces;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    const bool is_up = (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_LOOPBACK) == 0;
    if (!is_up || entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    char text[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr, text, sizeof text);
    interfaces.push_back({entry->ifa_name, text});
  }
  freeifaddrs(first);
  return interfaces;
}

}  // namespace

RankFacts facts_here(const Communicator& world) {
  std::error_code ignored;
  return {.rank = world.rank(),
          .host = host_name(),
          .kernel = kernel_release(),
          .program_sha256 = sha256_of_file("/proc/self/exe"),
          .torch = TORCH_VERSION,
          .mpi = mpi_library(),
          .hdf5 = hdf5_version(),
          .nccl = nccl_version(),
          .isa = std::string(active_isa()),
          .fingerprint = numerics_fingerprint({}),
          .cores = allowed_cores(),
          .open_files = limit_of(RLIMIT_NOFILE),
          .locked_bytes = limit_of(RLIMIT_MEMLOCK),
          .core_bytes = limit_of(RLIMIT_CORE),
          .has_infiniband = std::filesystem::exists("/sys/class/infiniband", ignored) &&
                            !std::filesystem::is_empty("/sys/class/infiniband", ignored),
          .interfaces = interfaces_here()};
}

std::vector<RankFacts> facts_of_all(Communicator& world) {
  const nlohmann::json mine = facts_here(world);
  std::vector<RankFacts> all;
  for (const std::string& text :
       world.all_gather(mine.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)))
    all.push_back(nlohmann::json::parse(text).get<RankFacts>());
  return all;
}

std::vector<HostRanks> hosts_of(const std::vector<RankFacts>& facts) {
  std::vector<HostRanks> hosts;
  for (const RankFacts& rank : facts) {
    auto at = std::find_if(hosts.begin(), hosts.end(), [&](const auto& h) { return h.host == rank.host; });
    if (at == hosts.end()) at = hosts.insert(hosts.end(), HostRanks{rank.host, {}});
    at->ranks.push_back(rank.rank);
  }
  return hosts;
}

std::string name_of(const RankFacts& facts) {
  return "rank " + std::to_string(facts.rank) + " (" + facts.host + ")";
}

}  // namespace reckon::doctor
