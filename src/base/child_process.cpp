#include "reckon/base/child_process.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <thread>

#include "reckon/base/log.h"
#include "spawn.h"

namespace reckon {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kGraceSeconds = 0.5;
constexpr int kMaxErrorLines = 100;
constexpr std::size_t kMaxErrorLineBytes = 500;
constexpr std::size_t kChunkBytes = std::size_t{64} << 10;

/// Milliseconds until then, rounded up: poll() with the time left rounded down would spin.
int milliseconds_until(Clock::time_point then) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(then - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

Clock::time_point after(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

/// write() that tells of a closed pipe by EPIPE alone: its SIGPIPE is held back and taken off, whatever our
/// program does with that signal elsewhere.
ssize_t write_without_signal(int file, std::string_view text) {
  sigset_t pipe_signal;
  sigset_t before;
  sigset_t pending;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  sigpending(&pending);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t written = write(file, text.data(), text.size());
  const int error = errno;
  if (written < 0 && error == EPIPE && sigismember(&pending, SIGPIPE) == 0) {
    const timespec now{};
    while (sigtimedwait(&pipe_signal, nullptr, &now) < 0 && errno == EINTR) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

void close_file(int& file) {
  if (file >= 0) close(file);
  file = -1;
}

/// Reads what is there, at most a chunk. \return whether the file is still open
bool read_chunk(int& file, std::string& text) {
  char chunk[kChunkBytes];
  const ssize_t count = read(file, chunk, sizeof chunk);
  if (count > 0) {
    text.append(chunk, static_cast<std::size_t>(count));
    return true;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  close_file(file);
  return false;
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command, ChildOptions options)
    : options_(std::move(options)) {
  const Spawned spawned = spawn(command, options_.memory_mb);
  pid_ = spawned.pid;
  input_ = spawned.input;
  output_ = spawned.output;
  errors_ = spawned.errors;
}

ChildProcess::~ChildProcess() {
  close_file(input_);
  if (pid_ >= 0) wait_for_end(kGraceSeconds);
  kill();
}

ChildLine ChildProcess::exchange(std::string_view line, double seconds) {
  const Clock::time_point deadline = after(seconds);
  const std::string text = line.empty() ? std::string() : std::string(line) + "\n";
  std::string_view rest = text;
  while (true) {
    const std::size_t end = unread_.find('\n', searched_);
    searched_ = std::min(end, unread_.size());
    if (searched_ > options_.max_line_bytes) return {ChildStatus::too_long, {}};
    if (end != std::string::npos && rest.empty()) {
      ChildLine result{ChildStatus::line, unread_.substr(0, end)};
      unread_.erase(0, end + 1);
      searched_ = 0;
      return result;
    }
    if (output_ < 0) return {ChildStatus::ended, {}};
    const int left = milliseconds_until(deadline);
    if (left == 0) return {ChildStatus::timeout, {}};
    pollfd files[] = {{rest.empty() ? -1 : input_, POLLOUT, 0}, {output_, POLLIN, 0}, {errors_, POLLIN, 0}};
    if (poll(files, std::size(files), left) <= 0) continue;
    if (files[2].revents != 0) read_errors();
    if (files[1].revents != 0) read_output();
    if (files[0].revents != 0 && !write_some(rest)) return {ChildStatus::ended, {}};
  }
}

bool ChildProcess::has_unread_output() {
  if (unread_.empty() && output_ >= 0) read_output();
  return !unread_.empty();
}

void ChildProcess::kill() {
  if (pid_ >= 0) {
    ::kill(-pid_, SIGKILL);  // before it is waited for: until then the number of the group is not given anew
    while (waitpid(pid_, &end_status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    read_errors();
    if (!error_line_.empty()) take_error_line(error_line_);
    error_line_.clear();
  }
  close_all();
}

std::string ChildProcess::end_text() {
  if (pid_ >= 0 && !wait_for_end(kGraceSeconds)) {
    return output_ < 0 ? "closed its standard output" : "closed its standard input";
  }
  kill();
  if (WIFSIGNALED(end_status_)) {
    const int number = WTERMSIG(end_status_);
    return "was killed by signal " + std::to_string(number) + " (" + strsignal(number) + ")";
  }
  return "ended with code " + std::to_string(WEXITSTATUS(end_status_));
}

void ChildProcess::read_output() {
  read_chunk(output_, unread_);
}

void ChildProcess::read_errors() {
  // As much as a pipe holds, not all there is: one that floods us must not keep us here.
  std::string text;
  if (errors_ >= 0) read_chunk(errors_, text);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    error_line_ += rest.substr(0, std::min(end, kMaxErrorLineBytes));
    const bool is_full = error_line_.size() >= kMaxErrorLineBytes;
    if ((end != std::string_view::npos || is_full) && !skips_error_line_) take_error_line(error_line_);
    if (end != std::string_view::npos || is_full) error_line_.clear();
    skips_error_line_ = end == std::string_view::npos && (is_full || skips_error_line_);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (errors_ < 0 && !error_line_.empty()) {
    take_error_line(error_line_);
    error_line_.clear();
  }
}

void ChildProcess::take_error_line(std::string_view line) {
  std::string shown(line.substr(0, kMaxErrorLineBytes));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';  // no commands to the terminal
  }
  if (shown.find_first_not_of(' ') != std::string::npos) last_words_ = shown;
  if (num_error_lines_ < kMaxErrorLines) log_info(options_.name + ": " + shown);
  if (num_error_lines_ == kMaxErrorLines) {
    log_warning(options_.name + ": more than " + std::to_string(kMaxErrorLines) +
                " lines of standard error; the rest is not shown");
  }
  num_error_lines_ = std::min(num_error_lines_ + 1, kMaxErrorLines + 1);
}

bool ChildProcess::write_some(std::string_view& rest) {
  const ssize_t written = write_without_signal(input_, rest);
  if (written < 0) return errno == EAGAIN || errno == EINTR;
  rest.remove_prefix(static_cast<std::size_t>(written));
  return true;
}

bool ChildProcess::wait_for_end(double seconds) {
  const Clock::time_point deadline = after(seconds);
  while (true) {
    if (errors_ >= 0) read_errors();  // it may wait for room there
    siginfo_t info{};
    // It stays a zombie: kill() must still find its group.
    if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        info.si_pid == pid_)
      return true;
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void ChildProcess::close_all() {
  close_file(input_);
  close_file(output_);
  close_file(errors_);
}

}  // namespace reckon
