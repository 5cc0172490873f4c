#include "judge.h"

#include <algorithm>
#include <map>
#include <set>

#include "app/display.h"

namespace reckon::doctor {
namespace {

std::string counted(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

/// "0 1 2", or "0-15" where they follow one another.
std::string ranks_text(const std::vector<int>& ranks) {
  const bool follow = ranks.back() - ranks.front() == static_cast<int>(ranks.size()) - 1;
  if (ranks.size() > 2 && follow) return std::to_string(ranks.front()) + "-" + std::to_string(ranks.back());
  std::string text;
  for (const int rank : ranks) text += (text.empty() ? "" : " ") + std::to_string(rank);
  return text;
}

std::string shortened(const std::string& value) {
  return value.size() > 40 ? value.substr(0, 12) + "..." : value;
}

/// Fails, or warns, where a text is not the same on all ranks; the first rank that differs is named.
void compare(const std::vector<RankFacts>& facts, const std::string& what, std::string RankFacts::*member,
             const std::string& advice, Verdict verdict, Finding& finding) {
  for (const RankFacts& rank : facts) {
    if (rank.*member == facts.front().*member) continue;
    const std::string text = what + " of " + name_of(rank) + " is " + shortened(rank.*member) + ", that of " +
                             name_of(facts.front()) + " " + shortened(facts.front().*member) + ". " + advice;
    verdict == Verdict::fail ? finding.fail(text) : finding.warn(text);
    return;
  }
}

}  // namespace

std::string time_text(double seconds) {
  if (seconds < 1e-3) return fixed(seconds * 1e6, 0) + " us";
  return seconds < 1 ? fixed(seconds * 1e3, seconds < 0.01 ? 1 : 0) + " ms" : fixed(seconds, 1) + " s";
}

std::string speed_text(double bytes_per_s) {
  if (bytes_per_s >= 1e9) return fixed(bytes_per_s / 1e9, 1) + " GB/s";
  return fixed(bytes_per_s / 1e6, bytes_per_s < 1e7 ? 1 : 0) + " MB/s";
}

Finding judge_placement(const std::vector<RankFacts>& facts) {
  constexpr std::size_t kMostNamed = 8;
  const std::vector<HostRanks> hosts = hosts_of(facts);
  Finding finding{.found = counted(facts.size(), "rank") + " on " + counted(hosts.size(), "host") + ":"};
  for (const HostRanks& host : hosts) {
    std::set<int> cores;
    for (const int rank : host.ranks) {
      const auto& own = facts.at(static_cast<std::size_t>(rank)).cores;
      cores.insert(own.begin(), own.end());
    }
    if (&host - hosts.data() < static_cast<std::ptrdiff_t>(kMostNamed)) {
      finding.found +=
          " " + host.host + " (" + ranks_text(host.ranks) + "; " + counted(cores.size(), "core") + ")";
    }
    if (cores.empty() || host.ranks.size() <= cores.size()) continue;
    finding.warn(host.host + " has " + counted(host.ranks.size(), "rank") + " and lets them run on " +
                 counted(cores.size(), "core") +
                 ": they take turns, and every collective waits for that. Start no more than " +
                 std::to_string(cores.size()) + " there (-H " + host.host + ":" +
                 std::to_string(cores.size()) +
                 "), or let them use more cores (--bind-to, the job's cgroup)");
  }
  if (hosts.size() > kMostNamed) finding.found += " ...";
  return finding;
}

Finding judge_versions(const std::vector<RankFacts>& facts) {
  const RankFacts& first = facts.front();
  Finding finding{.found = "program " + first.program_sha256.substr(0, 12) + ", LibTorch " + first.torch +
                           ", " + first.mpi + ", HDF5 " + first.hdf5 +
                           (first.nccl.empty() ? "" : ", NCCL " + first.nccl) + ", Linux " + first.kernel};
  const std::string same = "Install the same files on all hosts, or start them from a folder that all see";
  compare(facts, "the program", &RankFacts::program_sha256, same, Verdict::fail, finding);
  compare(facts, "LibTorch", &RankFacts::torch, same, Verdict::fail, finding);
  compare(facts, "MPI", &RankFacts::mpi, same, Verdict::fail, finding);
  compare(facts, "HDF5", &RankFacts::hdf5, same, Verdict::fail, finding);
  compare(facts, "NCCL", &RankFacts::nccl, same, Verdict::fail, finding);
  compare(facts, "the kernel", &RankFacts::kernel, "Where all else is equal this does no harm", Verdict::warn,
          finding);
  return finding;
}

Finding judge_numerics(const std::vector<RankFacts>& facts) {
  const RankFacts& first = facts.front();
  Finding finding{.found = "fingerprint " + first.fingerprint.substr(0, 12) + " on " + first.isa};
  compare(
      facts, "the numerics fingerprint", &RankFacts::fingerprint,
      "reckon train refuses to start so. Take machines with the same instructions, or set RECKON_ISA=avx2 on "
      "all ranks (-x RECKON_ISA=avx2)",
      Verdict::fail, finding);
  return finding;
}

Finding judge_limits(const std::vector<RankFacts>& facts) {
  const auto text = [](std::int64_t limit, double unit, const std::string& name) {
    return limit < 0 ? std::string("unlimited") : fixed(static_cast<double>(limit) / unit, 0) + name;
  };
  const RankFacts& first = facts.front();
  Finding finding{.found = "open files " + text(first.open_files, 1, "") + ", locked memory " +
                           text(first.locked_bytes, 1024, " KiB") + ", core files " +
                           text(first.core_bytes, 1024, " KiB")};
  // MPI connects a rank with each other one at most twice; logs, checkpoints, graders and libraries need the
  // rest.
  const auto needed = static_cast<std::int64_t>(2 * facts.size() + 128);
  for (const RankFacts& rank : facts) {
    if (rank.open_files < 0 || rank.open_files >= needed) continue;
    finding.fail(name_of(rank) + " may have " + std::to_string(rank.open_files) + " files open (need " +
                 std::to_string(needed) + " for " + std::to_string(facts.size()) +
                 " ranks). Raise ulimit -n in /etc/security/limits.conf or in the batch script");
    break;
  }
  constexpr std::int64_t kEnoughLocked = std::int64_t{1} << 30;
  for (const RankFacts& rank : facts) {
    if (!rank.has_infiniband || rank.locked_bytes < 0 || rank.locked_bytes >= kEnoughLocked) continue;
    finding.warn(name_of(rank) + " has an InfiniBand adapter and may lock " +
                 std::to_string(rank.locked_bytes / 1024) +
                 " KiB of memory: MPI and NCCL then go by slower ways, or fail. Set ulimit -l unlimited");
    break;
  }
  return finding;
}

Finding judge_interfaces(const std::vector<RankFacts>& facts, const std::string& included) {
  const std::vector<HostRanks> hosts = hosts_of(facts);
  std::map<std::string, std::set<std::string>> hosts_with;  // an address, and the hosts that have it
  std::string names;
  bool is_unclear = false;
  for (const HostRanks& host : hosts) {
    const RankFacts& rank = facts.at(static_cast<std::size_t>(host.ranks.front()));
    for (const Interface& interface : rank.interfaces) hosts_with[interface.address].insert(host.host);
    is_unclear = is_unclear || rank.interfaces.size() > 1;
  }
  for (const Interface& interface : facts.front().interfaces)
    names += (names.empty() ? "" : ", ") + interface.name + " " + interface.address;
  Finding finding{.found = names.empty() ? "none but the loopback" : facts.front().host + ": " + names};
  if (!included.empty()) finding.found += "; MPI uses " + included;
  if (hosts.size() == 1) return finding;
  const std::string how =
      "Name the interface that joins the hosts: mpirun --mca btl_tcp_if_include NAME --mca "
      "oob_tcp_if_include "
      "NAME, and NCCL_SOCKET_IFNAME=NAME where GPUs are";
  for (const auto& [address, owners] : hosts_with) {
    if (owners.size() < 2 || !included.empty()) continue;
    finding.warn(address + " is an address of " + *owners.begin() + " and of " + *std::next(owners.begin()) +
                 " (a bridge of containers?): MPI may try to reach one from the other by it, and wait. " +
                 how);
    return finding;
  }
  if (is_unclear && included.empty())
    finding.warn("a host has several interfaces, and MPI chooses among them by itself. " + how);
  return finding;
}

Finding judge_links(const std::vector<RankFacts>& facts, const std::vector<LinkReading>& readings) {
  constexpr double kSlowTrip = 5e-3, kSlowSpeed = 50e6;   // s, byte/s: a cluster's own network is better
  constexpr double kTimesSlower = 10, kLeastSlow = 1e-3;  // than the best link, and that many s
  const auto name = [&](int rank) { return name_of(facts.at(static_cast<std::size_t>(rank))); };
  const auto speed = [](const LinkReading& link) {
    return link.sizes.empty() ? 0 : link.sizes.back().bytes_per_s;
  };
  double best_trip = readings.front().round_trip_s, worst_trip = 0, best_speed = 0;
  double worst_speed = speed(readings.front());
  for (const LinkReading& link : readings) {
    best_trip = std::min(best_trip, link.round_trip_s);
    worst_trip = std::max(worst_trip, link.round_trip_s);
    best_speed = std::max(best_speed, speed(link));
    worst_speed = std::min(worst_speed, speed(link));
  }
  Finding finding{.found = counted(readings.size(), "pair") + ": round trip " + time_text(best_trip) +
                           " to " + time_text(worst_trip) + ", " + speed_text(worst_speed) + " to " +
                           speed_text(best_speed)};
  const bool is_one_host = hosts_of(facts).size() == 1;
  std::size_t num_slow = 0;
  for (const LinkReading& link : readings) {
    const std::string pair = name(link.first) + " and " + name(link.second);
    if (!link.is_whole) {
      finding.fail(
          "between " + pair +
          " a message came back with other bytes. Do not train over this link: look at the adapter, its "
          "driver and firmware");
    }
    const bool is_late = link.round_trip_s > kSlowTrip ||
                         (link.round_trip_s > kTimesSlower * best_trip && link.round_trip_s > kLeastSlow);
    const bool is_narrow = speed(link) < kSlowSpeed || speed(link) * kTimesSlower < best_speed;
    if (is_one_host || !(is_late || is_narrow) || ++num_slow > 8) continue;
    finding.warn(
        "between " + pair + ": round trip " + time_text(link.round_trip_s) + " (slowest " +
        time_text(link.slowest_round_trip_s) + "), " + speed_text(speed(link)) + " with messages of " +
        short_count(static_cast<double>(link.sizes.empty() ? 0 : link.sizes.back().bytes)) +
        " bytes. Every step waits for the slowest link: look at cable, port and MTU, or leave the host out");
  }
  if (num_slow > 8) finding.warn(std::to_string(num_slow - 8) + " more pairs are slow");
  return finding;
}

Finding judge_clocks(const std::vector<RankFacts>& facts, const std::vector<LinkReading>& readings) {
  constexpr double kApart = 1.0;  // s
  Finding finding;
  double most = 0, bound = 0;
  for (const LinkReading& link : readings) {
    const double ahead = link.clock_ahead_s, unsure = link.round_trip_s / 2;
    if (std::abs(ahead) >= most) most = std::abs(ahead), bound = unsure;
    if (std::abs(ahead) - unsure < kApart) continue;
    finding.warn(
        "the clock of " + facts.at(static_cast<std::size_t>(link.second)).host + " is " +
        time_text(std::abs(ahead)) + (ahead > 0 ? " ahead of" : " behind") + " that of " +
        facts.front().host +
        ". No result depends on it, but times in logs and files do not fit together: run chrony or ntpd");
  }
  finding.found = "at most " + time_text(most) + " apart, known to " + time_text(bound);
  return finding;
}

}  // namespace reckon::doctor
