#pragma once

#include <vector>

#include "facts.h"
#include "finding.h"
#include "reckon/dist/link_probe.h"

namespace reckon::doctor {

// What facts of all ranks come to. Functions of their arguments alone.

/// Which ranks are where, and whether each has a core.
[[nodiscard]] Finding judge_placement(const std::vector<RankFacts>& facts);
/// Whether all ranks run the same program on the same libraries.
[[nodiscard]] Finding judge_versions(const std::vector<RankFacts>& facts);
/// Whether all ranks compute with the same bits.
[[nodiscard]] Finding judge_numerics(const std::vector<RankFacts>& facts);
/// Limits that the system sets each process.
[[nodiscard]] Finding judge_limits(const std::vector<RankFacts>& facts);
/// Interfaces that MPI and NCCL may choose from. \param included  btl_tcp_if_include of MPI; "" where not set
[[nodiscard]] Finding judge_interfaces(const std::vector<RankFacts>& facts, const std::string& included);
/// Round trips, speeds and wholeness of links between hosts, or between ranks where there is one host.
[[nodiscard]] Finding judge_links(const std::vector<RankFacts>& facts,
                                  const std::vector<LinkReading>& readings);
/// How far the hosts' clocks are apart. \param readings  of rank 0 with a rank of each other host
[[nodiscard]] Finding judge_clocks(const std::vector<RankFacts>& facts,
                                   const std::vector<LinkReading>& readings);

/// "0.2 ms", "12 MB/s": numbers for people.
[[nodiscard]] std::string time_text(double seconds);
[[nodiscard]] std::string speed_text(double bytes_per_s);

}  // namespace reckon::doctor
