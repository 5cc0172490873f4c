#pragma once

#include <cstddef>
#include <exception>
#include <string>
#include <utility>

#include "report.h"

namespace reckon {

/// The findings of one thing that is looked at: a line of the report each, and where nothing was wrong one
/// that says how much was seen.
class Check {
 public:
  Check(VerifyReport& report, std::string what) : report_(report), what_(std::move(what)) {}

  /// Of very many faults only the first are shown.
  void fail(const std::string& detail) {
    constexpr std::size_t kMostShown = 20;
    if (++num_failures_ <= kMostShown) report_.fail(what_, detail);
    if (num_failures_ == kMostShown + 1) report_.note(what_, "there is more, which is not shown");
  }
  void note(const std::string& detail) { report_.note(what_, detail); }
  /// A fault where the run is whole; where it was interrupted, what a crash leaves.
  void fail_unless(bool interrupted, const std::string& detail) {
    if (interrupted) {
      note(detail);
    } else {
      fail(detail);
    }
  }
  /// Does a part of the check; what it throws is a fault.
  template <class Part>
  void attempt(const Part& part) {
    try {
      part();
    } catch (const std::exception& error) {
      fail(error.what());
    }
  }
  /// Call it last. \param seen  "5 steps"
  void finish(const std::string& seen) {
    if (num_failures_ == 0) report_.pass(what_, seen);
  }
  [[nodiscard]] bool failed() const { return num_failures_ > 0; }

 private:
  VerifyReport& report_;
  std::string what_;
  std::size_t num_failures_ = 0;
};

/// "1 step", "5 steps"
[[nodiscard]] inline std::string counted(std::size_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

}  // namespace reckon
