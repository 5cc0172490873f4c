#pragma once

#include <chrono>
#include <cstdint>

namespace reckon::exact {

/// Bits of the largest rational that is computed, numerator and denominator each.
inline constexpr double kMaxBits = 65'536;

/// What one comparison may use: time by a clock that is looked at every few steps, and steps.
class Budget {
 public:
  explicit Budget(std::chrono::microseconds time = std::chrono::milliseconds(50),
                  std::uint64_t max_steps = 20'000'000)
      : end_(std::chrono::steady_clock::now() + time), max_steps_(max_steps) {}

  /// Counts steps of about 100 ns. \return false once time or steps are used up.
  bool spend(std::uint64_t steps = 1) {
    steps_ += steps;
    if (spent_ || steps_ < next_look_) return !spent_;
    next_look_ = steps_ + kStepsBetweenLooks;
    spent_ = steps_ > max_steps_ || std::chrono::steady_clock::now() >= end_;
    return !spent_;
  }
  [[nodiscard]] bool spent() const { return spent_; }

 private:
  static constexpr std::uint64_t kStepsBetweenLooks = 256;
  std::chrono::steady_clock::time_point end_;
  std::uint64_t max_steps_;
  std::uint64_t steps_ = 0;
  std::uint64_t next_look_ = kStepsBetweenLooks;
  bool spent_ = false;
};

}  // namespace reckon::exact
