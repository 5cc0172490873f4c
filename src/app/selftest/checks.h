#pragma once

#include <array>
#include <string>
#include <string_view>

#include "comparison.h"
#include "reckon/dist/communicator.h"
#include "scratch.h"

namespace reckon::selftest {

/// What the checks of one call of `reckon selftest` work with.
struct SelfTest {
  Communicator& world;
  Communicator& alone;  ///< this rank as if it were the only one
  const Scratch& scratch;
};

// One property each: makes its comparisons, and returns what was compared in a few words (42 characters fit
// the table). Every rank runs every check.
std::string check_numerics(SelfTest& test, Comparison& comparison);
std::string check_batch_invariance(SelfTest& test, Comparison& comparison);
std::string check_packing(SelfTest& test, Comparison& comparison);
std::string check_micro_batch(SelfTest& test, Comparison& comparison);
std::string check_sampler(SelfTest& test, Comparison& comparison);
std::string check_ranks(SelfTest& test, Comparison& comparison);
std::string check_resume(SelfTest& test, Comparison& comparison);
std::string check_atomic_rename(SelfTest& test, Comparison& comparison);
std::string check_file_lock(SelfTest& test, Comparison& comparison);
std::string check_shared_folder(SelfTest& test, Comparison& comparison);
std::string check_grader(SelfTest& test, Comparison& comparison);
std::string check_rollout_log(SelfTest& test, Comparison& comparison);

/// How a check meets the other ranks.
enum class Ranks {
  each,      ///< it does not
  together,  ///< in collective calls, of one rank as well
  several,   ///< in collective calls of at least two ranks
};

struct Check {
  std::string_view name;  ///< at most 18 characters: a column of the table
  Ranks ranks = Ranks::each;
  std::string (*run)(SelfTest& test, Comparison& comparison) = nullptr;
};

/// The rows of the table, in its order.
inline constexpr std::array kChecks = {
    Check{"numerics", Ranks::together, check_numerics},
    Check{"batch invariance", Ranks::each, check_batch_invariance},
    Check{"packed = unpacked", Ranks::each, check_packing},
    Check{"micro-batch", Ranks::each, check_micro_batch},
    Check{"sampler = learner", Ranks::each, check_sampler},
    Check{"ranks 1 = all", Ranks::several, check_ranks},
    Check{"resume", Ranks::each, check_resume},
    Check{"atomic rename", Ranks::each, check_atomic_rename},
    Check{"file lock", Ranks::each, check_file_lock},
    Check{"shared folder", Ranks::several, check_shared_folder},
    Check{"grader", Ranks::each, check_grader},
    Check{"rollout log", Ranks::each, check_rollout_log},
};

}  // namespace reckon::selftest
