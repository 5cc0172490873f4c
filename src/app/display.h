#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace reckon {

enum class ProgressMode { automatic, live, plain };

/// What a person sees of a run: on a terminal one live line, in a file a plain line now and then. Used on
/// rank 0; on other ranks (quiet) it prints nothing.
class Display {
 public:
  Display(ProgressMode mode, bool quiet);
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  void begin_stage(const std::string& stage, const std::string& kind, std::int64_t steps);
  /// \param fields  name and value, in the order in which they are shown, e.g. {"reward", "0.93"}
  void step(std::int64_t step, const std::vector<std::pair<std::string, std::string>>& fields);
  /// The last step's line stays; `text` is put behind the stage's time.
  void end_stage(const std::string& text);
  /// A line of its own.
  void line(const std::string& text);

  [[nodiscard]] bool live() const { return live_; }

 private:
  using Clock = std::chrono::steady_clock;
  void clear_live_line();

  bool live_;
  bool quiet_;
  bool shown_ = false;
  std::string stage_, kind_, last_;
  std::int64_t steps_ = 0;
  Clock::time_point stage_start_, last_print_;
};

/// Columns of the terminal that standard output is; 80 where it is none.
[[nodiscard]] std::size_t terminal_width();
/// "1:05" or "2:03:04"; minutes and seconds.
[[nodiscard]] std::string clock_text(double seconds);
/// A number with this many digits after the point.
[[nodiscard]] std::string fixed(double value, int digits);
/// 12345 as "12.3k".
[[nodiscard]] std::string short_count(double value);

}  // namespace reckon
