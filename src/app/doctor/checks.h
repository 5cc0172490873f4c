#pragma once

#include <array>
#include <filesystem>
#include <string_view>
#include <vector>

#include "app/selftest/scratch.h"
#include "facts.h"
#include "finding.h"
#include "reckon/dist/communicator.h"

namespace reckon::doctor {

/// What the checks of one call of `reckon doctor` work with.
struct Examination {
  Communicator& world;
  const std::filesystem::path& folder;  ///< where runs will be written
  const selftest::Scratch& scratch;     ///< a folder in it
  std::vector<RankFacts> facts;         ///< of all ranks
  double timeout_s = 30;                ///< longest wait for another rank
  bool is_shared = true;                ///< whether all ranks see the folder; check_shared_folder() says
};

// Collective, each of them: every rank runs every check, and what rank 0 finds is told. A check that must end
// the job throws; what is wrong on one rank alone goes into the finding.
Finding check_placement(Examination& examination);
Finding check_versions(Examination& examination);
Finding check_numerics(Examination& examination);
Finding check_limits(Examination& examination);
Finding check_interfaces(Examination& examination);
Finding check_ports(Examination& examination);
Finding check_ring(Examination& examination);
Finding check_links(Examination& examination);
Finding check_clocks(Examination& examination);
Finding check_gpus(Examination& examination);
Finding check_nccl(Examination& examination);
Finding check_shared_folder(Examination& examination);
Finding check_rename(Examination& examination);
Finding check_lock(Examination& examination);
Finding check_disk_speed(Examination& examination);
Finding check_disk_space(Examination& examination);

struct Check {
  std::string_view name;  ///< at most 16 characters: a column of the table
  Finding (*run)(Examination& examination) = nullptr;
};

/// The rows of the table, in its order.
inline constexpr std::array kChecks = {
    Check{"ranks and cores", check_placement},
    Check{"versions", check_versions},
    Check{"numerics", check_numerics},
    Check{"limits", check_limits},
    Check{"interfaces", check_interfaces},
    Check{"ports", check_ports},
    Check{"ring of ranks", check_ring},
    Check{"links", check_links},
    Check{"clocks", check_clocks},
    Check{"GPUs", check_gpus},
    Check{"NCCL ring", check_nccl},
    Check{"shared folder", check_shared_folder},
    Check{"atomic rename", check_rename},
    Check{"file lock", check_lock},
    Check{"disk speed", check_disk_speed},
    Check{"disk space", check_disk_space},
};

}  // namespace reckon::doctor
