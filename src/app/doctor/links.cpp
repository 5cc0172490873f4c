// What MPI's messages take, and what facts say of them.
#include <chrono>
#include <cstdlib>

#include "checks.h"
#include "judge.h"
#include "reckon/base/failpoint.h"
#include "reckon/dist/link_probe.h"

namespace reckon::doctor {
namespace {

std::string alone() {
  return "one rank (start it as the run will be: mpirun -n ...)";
}

/// The first rank of each host, or where there is one host all ranks.
std::vector<int> ends_of_links(const std::vector<RankFacts>& facts) {
  const std::vector<HostRanks> hosts = hosts_of(facts);
  if (hosts.size() == 1) return hosts.front().ranks;
  std::vector<int> ends;
  for (const HostRanks& host : hosts) ends.push_back(host.ranks.front());
  return ends;
}

}  // namespace

Finding check_placement(Examination& examination) {
  return judge_placement(examination.facts);
}

Finding check_versions(Examination& examination) {
  return judge_versions(examination.facts);
}

Finding check_numerics(Examination& examination) {
  return judge_numerics(examination.facts);
}

Finding check_limits(Examination& examination) {
  return judge_limits(examination.facts);
}

Finding check_interfaces(Examination& examination) {
  const char* included = std::getenv("OMPI_MCA_btl_tcp_if_include");
  return judge_interfaces(examination.facts, included == nullptr ? "" : included);
}

Finding check_ring(Examination& examination) {
  Communicator& world = examination.world;
  if (world.size() == 1) return skipped(alone());
  constexpr std::size_t kBytes = std::size_t{4} << 20;
  const auto content = [](int rank) { return std::string(kBytes, static_cast<char>(rank % 251)); };
  const int next = (world.rank() + 1) % world.size(),
            previous = (world.rank() + world.size() - 1) % world.size();
  double seconds = 0, is_wrong = 0;
  for (int i = 0; i < 2; ++i) {  // the first one connects
    std::vector<std::string> parts(static_cast<std::size_t>(world.size()));
    parts[static_cast<std::size_t>(next)] = content(world.rank());
    world.barrier();
    const auto start = std::chrono::steady_clock::now();
    const auto got = world.all_to_all(std::move(parts));
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (got[static_cast<std::size_t>(previous)] != content(previous)) is_wrong = 1;
  }
  const std::vector<std::string> wrong = world.all_gather(is_wrong != 0 ? "x" : "");
  world.maximum({&seconds, 1});
  Finding finding{.found = "all ranks at once, 4 MiB to the next one: " + time_text(seconds) + ", " +
                           speed_text(static_cast<double>(kBytes) / seconds) + " a rank"};
  for (std::size_t rank = 0; rank < wrong.size(); ++rank) {
    if (wrong[rank].empty()) continue;
    finding.fail(name_of(examination.facts.at(rank)) +
                 " got other bytes than were sent to it. Do not train over this network: look at adapters, "
                 "drivers and firmware");
  }
  return finding;
}

Finding check_links(Examination& examination) {
  failpoint("doctor.links");
  const auto rounds = rounds_of_pairs(ends_of_links(examination.facts));
  if (rounds.empty()) return skipped(alone());
  LinkProbeOptions options;
  options.deadline_s = examination.timeout_s;
  return judge_links(examination.facts, probe_links(examination.world, rounds, options));
}

Finding check_clocks(Examination& examination) {
  const std::vector<int> ends = ends_of_links(examination.facts);
  if (hosts_of(examination.facts).size() == 1) return skipped("one host has one clock");
  std::vector<LinkRound> rounds;
  for (std::size_t i = 1; i < ends.size(); ++i) rounds.push_back({{ends.front(), ends[i]}});
  const LinkProbeOptions options{.sizes = {}, .repeats = 5, .deadline_s = examination.timeout_s};
  return judge_clocks(examination.facts, probe_links(examination.world, rounds, options));
}

}  // namespace reckon::doctor
