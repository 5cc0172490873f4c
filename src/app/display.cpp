#include "display.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "reckon/base/log.h"

namespace reckon {
namespace {

/// Whether a person's terminal is at the end of our output. Under mpirun a rank's own output is a pipe or a
/// pseudo-terminal of the launcher's whatever mpirun writes to, so the launcher's output is looked at.
bool output_is_terminal() {
  if (std::getenv("OMPI_COMM_WORLD_RANK") == nullptr) return isatty(STDOUT_FILENO) != 0;
  std::error_code error;
  const auto target = std::filesystem::read_symlink("/proc/" + std::to_string(getppid()) + "/fd/1", error);
  return !error && (target.string().starts_with("/dev/pts/") || target.string().starts_with("/dev/tty"));
}

}  // namespace

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 80;
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  char text[64];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", static_cast<long long>(whole / 3600),
                  static_cast<long long>(whole / 60 % 60), static_cast<long long>(whole % 60));
  } else {
    std::snprintf(text, sizeof text, "%lld:%02lld", static_cast<long long>(whole / 60),
                  static_cast<long long>(whole % 60));
  }
  return text;
}

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

std::string short_count(double value) {
  if (value >= 999950.0) return fixed(value / 1e6, 1) + "M";
  if (value >= 1000.0) return fixed(value / 1e3, 1) + "k";
  return fixed(value, 0);
}

Display::Display(ProgressMode mode, bool quiet)
    : live_(!quiet &&
            (mode == ProgressMode::live || (mode == ProgressMode::automatic && output_is_terminal()))),
      quiet_(quiet) {
  set_live_line(live_);
}

Display::~Display() {
  clear_live_line();
  set_live_line(false);
}

void Display::clear_live_line() {
  if (!live_ || !shown_) return;
  std::fputs("\r\033[K", stdout);
  std::fflush(stdout);
  shown_ = false;
}

void Display::begin_stage(const std::string& stage, const std::string& kind, std::int64_t steps) {
  stage_ = stage;
  kind_ = kind;
  steps_ = steps;
  last_.clear();
  stage_start_ = Clock::now();
  last_print_ = stage_start_ - std::chrono::hours(1);
}

void Display::step(std::int64_t step, const std::vector<std::pair<std::string, std::string>>& fields) {
  if (quiet_) return;
  const auto now = Clock::now();
  const double elapsed = std::chrono::duration<double>(now - stage_start_).count();
  std::string text = stage_ + " " + std::to_string(step) + "/" + std::to_string(steps_);
  for (const auto& [name, value] : fields) text += "  " + name + " " + value;
  last_ = text;
  const double left = elapsed / static_cast<double>(step) * static_cast<double>(steps_ - step);
  text += "  left " + clock_text(left);
  const double since = std::chrono::duration<double>(now - last_print_).count();
  if (since < (live_ ? 0.1 : 5.0) && step != steps_) return;
  last_print_ = now;
  if (!live_) {
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
    return;
  }
  if (text.size() >= terminal_width()) text.resize(terminal_width() - 1);  // a wrapped line cannot be cleared
  std::printf("\r\033[K%s", text.c_str());
  std::fflush(stdout);
  shown_ = true;
}

void Display::end_stage(const std::string& text) {
  if (quiet_) return;
  clear_live_line();
  const double elapsed = std::chrono::duration<double>(Clock::now() - stage_start_).count();
  if (live_ && !last_.empty()) std::printf("%s\n", last_.c_str());
  std::printf("%s (%s) done in %s%s\n", stage_.c_str(), kind_.c_str(), clock_text(elapsed).c_str(),
              text.c_str());
  std::fflush(stdout);
}

void Display::line(const std::string& text) {
  if (quiet_) return;
  clear_live_line();
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

}  // namespace reckon
