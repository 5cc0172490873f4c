#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "reckon/base/child_process.h"
#include "reckon/record/rollout_log.h"

namespace reckon::selftest {

/// A second process of this program, for what one process cannot show: a lock that another holds, a log whose
/// writer was killed. It never meets MPI.
class Helper {
 public:
  Helper();
  /// \return its answer \throws Error(internal) where it gives none within a minute
  std::string ask(const std::string& request);
  void kill() { child_.kill(); }

 private:
  ChildProcess child_;
};

// Requests, and what they are answered by.
/// "taken" or "refused": an exclusive flock of a file that is there, which is held no longer than the
/// question.
[[nodiscard]] std::string lock_request(const std::filesystem::path& file);
/// "appended" when so many steps, small_step(0) and on, are in a rollout log in the folder.
[[nodiscard]] std::string log_request(const std::filesystem::path& folder, std::uint64_t steps);

/// The name of the option that makes a process the helper.
inline constexpr const char* kHelperOption = "--helper";
/// The helper's side: answers requests from standard input until it ends.
void answer_requests();

/// What the helper appends as step `number`.
[[nodiscard]] RolloutBatch small_step(std::uint64_t number);

}  // namespace reckon::selftest
