#pragma once

#include <cstdint>
#include <ctime>

namespace reckon::exact {

/// Bits of the largest rational that is computed, numerator and denominator each.
inline constexpr double kMaxBits = 65'536;

/// What one comparison may use. Steps come first, so that a verdict is the same on every machine; the clock,
/// which is looked at every few steps, is for work that takes longer than its steps say. It counts the
/// thread's processor time: other programs do not make it run.
class Budget {
 public:
  static constexpr std::uint64_t kMaxSteps = 300'000;  // of about 100 ns
  static constexpr std::int64_t kMaxNanoseconds = 50'000'000;

  /// Counts steps. \return false once steps or time are used up.
  bool spend(std::uint64_t steps = 1) {
    steps_ += steps;
    if (spent_ || steps_ < next_look_) return !spent_;
    next_look_ = steps_ + kStepsBetweenLooks;
    spent_ = steps_ > kMaxSteps || processor_time() - start_ > kMaxNanoseconds;
    return !spent_;
  }
  [[nodiscard]] bool spent() const { return spent_; }

 private:
  static constexpr std::uint64_t kStepsBetweenLooks = 2'048;

  static std::int64_t processor_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
  }

  std::int64_t start_ = processor_time();
  std::uint64_t steps_ = 0;
  std::uint64_t next_look_ = kStepsBetweenLooks;
  bool spent_ = false;
};

}  // namespace reckon::exact
