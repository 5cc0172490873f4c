#pragma once

#include <algorithm>
#include <chrono>

namespace reckon {

/// When two ranks have last heard of each other. One that has nothing to say says so at an eighth of the
/// longest silence. Look at it often: a second and more between two looks is a process that was stopped or a
/// machine that slept, and counts as one second of the other's silence: nobody else is called silent for it.
class Contact {
 public:
  explicit Contact(double longest_silence_s) : longest_s_(longest_silence_s) {}

  void heard() { silent_s_ = 0; }
  void told() { quiet_s_ = 0; }
  /// Lets the clock go on.
  void look() {
    constexpr double kLongestGap = 1.0;
    const auto now = Clock::now();
    const double gap = std::chrono::duration<double>(now - last_look_).count();
    last_look_ = now;
    silent_s_ += std::min(gap, kLongestGap);
    quiet_s_ += gap;  // the other's clock went on
  }
  /// Whether the other has been silent for too long, at the last look.
  [[nodiscard]] bool is_lost() const { return silent_s_ > longest_s_; }
  /// Whether it is time to say something.
  [[nodiscard]] bool must_tell() const { return quiet_s_ > longest_s_ / 8; }

 private:
  using Clock = std::chrono::steady_clock;
  double longest_s_;
  Clock::time_point last_look_ = Clock::now();
  double silent_s_ = 0, quiet_s_ = 0;
};

}  // namespace reckon
