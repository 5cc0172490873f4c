#pragma once

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace reckon {

/// How long a wait has taken. A second and more between two looks is a process that was stopped or a machine
/// that slept, and counts as one second: a job that is suspended as a whole and continued finds nobody late.
class WaitClock {
 public:
  /// s, since the clock was made
  double look() {
    const auto now = std::chrono::steady_clock::now();
    seconds_ += std::min(std::chrono::duration<double>(now - last_look_).count(), kLongestGap);
    last_look_ = now;
    return seconds_;
  }

 private:
  static constexpr double kLongestGap = 1.0;
  std::chrono::steady_clock::time_point last_look_ = std::chrono::steady_clock::now();
  double seconds_ = 0.0;
};

/// How a wait looks again and again without keeping a core busy: at once, then whenever nobody else wants the
/// core, then after pauses.
struct Patience {
  /// For what is nearly here: whoever offers the core may get it back some milliseconds later.
  double spin_for_s = 50e-6;
  /// To sleep costs 0.1 ms more than it should.
  double yield_for_s = 0.5e-3;
  double longest_pause_s = 1e-3;
};

/// Between two looks: later on sleeps for an eighth of the time that was waited, so that a wait ends late by
/// that eighth at most.
inline void pause_between_looks(double waited_s, const Patience& patience) {
  constexpr double kShortest = 20e-6;
  if (waited_s < patience.spin_for_s) return;
  if (waited_s < patience.spin_for_s + patience.yield_for_s) {
    sched_yield();
    return;
  }
  const double pause = std::clamp(waited_s / 8, kShortest, patience.longest_pause_s);
  std::this_thread::sleep_for(std::chrono::duration<double>(pause));
}

}  // namespace reckon
