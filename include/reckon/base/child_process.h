#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// How a program is run beside ours.
struct ChildOptions {
  std::string name;                      ///< stands before each line of its standard error in our log
  std::int64_t memory_mb = 0;            ///< MiB of private memory of each of its processes; 0 is no limit
  std::size_t max_line_bytes = 1 << 20;  ///< longest line it may write to standard output
};

/// What came of waiting for a line of its standard output.
enum class ChildStatus {
  line,      ///< it wrote one
  timeout,   ///< it did not in time
  ended,     ///< it ended, or closed its standard input or output
  too_long,  ///< more than max_line_bytes without a line feed
};

struct ChildLine {
  ChildStatus status = ChildStatus::ended;
  std::string text;  ///< the line without its line feed; else nothing
};

/// A program that runs beside ours and speaks lines over its standard input and output. It gets a session of
/// its own, so that it and the processes it starts are killed as one group, and a Ctrl-C on the terminal is
/// ours alone; the kernel kills it where the thread that started it ends first, however that ends.
///
/// Started by vfork() and execve(), without a shell: our memory is not copied, which network transports of
/// MPI do not survive and a large process cannot afford. Of our files it inherits none.
///
/// Its standard error goes to our log while we wait for a line, up to 100 lines of 500 bytes; one that writes
/// more while we do not wait is held up until we do. Not thread-safe.
class ChildProcess {
 public:
  /// \param command  program and arguments; the program is looked up in PATH where it has no slash.
  /// \throws Error(environment) where it cannot be started.
  ChildProcess(const std::vector<std::string>& command, ChildOptions options);
  /// Closes its standard input, gives it half a second to end, then kills it.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Writes a line to its standard input, unless `line` is empty, and waits for one line of its output. A
  /// pipe that it closed is `ended`, never a SIGPIPE. \param seconds  for both together
  [[nodiscard]] ChildLine exchange(std::string_view line, double seconds);
  /// Whether there is output that nobody has waited for.
  [[nodiscard]] bool has_unread_output();
  /// Kills it and all processes of its group, and waits for it.
  void kill();

  /// How it ended, in words: "ended with code 3", "was killed by signal 11 (Segmentation fault)", "closed its
  /// standard output". For after exchange() said that it ended.
  [[nodiscard]] std::string end_text();
  /// The last line, not blank, of its standard error; "" where there is none.
  [[nodiscard]] const std::string& last_words() const { return last_words_; }

 private:
  void read_output();
  void read_errors();
  void take_error_line(std::string_view line);
  bool write_some(std::string_view& rest);
  bool wait_for_end(double seconds);
  void close_all();

  ChildOptions options_;
  int pid_ = -1;         ///< -1 once it is waited for
  int end_status_ = -1;  ///< of waitpid(); -1 while it is not known
  int input_ = -1;       ///< our end of its standard input
  int output_ = -1;
  int errors_ = -1;
  std::string unread_;        ///< of its standard output
  std::size_t searched_ = 0;  ///< bytes of unread_ that hold no line feed
  std::string error_line_;    ///< the line of standard error that is not complete yet
  bool skips_error_line_ = false;
  int num_error_lines_ = 0;
  std::string last_words_;
};

}  // namespace reckon
