#include "reckon/record/guarded_log.h"

#include <type_traits>

#include "log_wire.h"
#include "reckon/base/child_process.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

std::vector<std::string>& reader_program() {
  static std::vector<std::string> command;
  return command;
}

ChildOptions child_options(const GuardLimits& limits) {
  // An answer of nothing but line feeds is twice as long on its line.
  return {.name = "read-log", .memory_mb = 0, .max_line_bytes = 2 * limits.max_answer_bytes};
}

/// A log that a child process reads.
class GuardedLog : public RolloutLogSource {
 public:
  GuardedLog(const fs::path& file, const GuardLimits& limits)
      : file_(file.string()), limits_(limits), child_(reader_program(), child_options(limits)) {
    const std::string message = ask("open " + std::to_string(limits.memory_mb) + " " +
                                    std::to_string(limits.cpu_seconds) + " " + as_line(file_));
    header_ = understand([&] { return parse_header_message(message); });
  }

  [[nodiscard]] const RolloutLogInfo& info() const override { return header_.info; }
  [[nodiscard]] std::uint64_t segment() const override { return header_.segment; }
  [[nodiscard]] const std::vector<std::string>& reward_term_names() const override {
    return header_.reward_term_names;
  }
  [[nodiscard]] std::uint64_t num_steps() const override { return header_.num_steps; }
  [[nodiscard]] std::vector<std::uint64_t> step_numbers() const override {
    std::vector<std::uint64_t> numbers = ask_for_numbers("steps");
    if (numbers.size() != header_.num_steps)
      give_up("answered nonsense: another number of steps than before");
    return numbers;
  }
  [[nodiscard]] std::vector<std::uint64_t> group_places(std::uint64_t index) const override {
    return ask_for_numbers("groups " + std::to_string(index));
  }
  [[nodiscard]] RolloutStep read(std::uint64_t index) const override {
    const std::string message = ask("step " + std::to_string(index));
    return understand([&] { return parse_step_message(message, index, header_.reward_term_names); });
  }

 private:
  [[noreturn]] void give_up(const std::string& what) const {
    child_.kill();
    throw Error(ExitCode::bad_data, file_ + ": could not be read: the reading process " + what +
                                        ". Is the file damaged or hostile?");
  }

  /// What `parse` makes of an answer. \throws Error where it is none
  template <class Parse>
  std::invoke_result_t<Parse> understand(const Parse& parse) const {
    try {
      return parse();
    } catch (const WireError& error) {
      give_up(std::string("answered nonsense: ") + error.what());
    }
  }

  /// The answer to a request. \throws Error where it is an error, or there is none
  [[nodiscard]] std::string ask(const std::string& request) const {
    ChildLine line = child_.exchange(request, limits_.seconds);
    switch (line.status) {
      case ChildStatus::line:
        break;
      case ChildStatus::timeout:
        give_up("gave no answer within " + std::to_string(static_cast<std::int64_t>(limits_.seconds)) + " s");
      case ChildStatus::ended:
        give_up(child_.end_text());
      case ChildStatus::too_long:
        give_up("answered with more than " + std::to_string(limits_.max_answer_bytes) + " bytes");
    }
    std::string message = understand([&] { return from_line(std::move(line.text)); });
    if (message.size() > limits_.max_answer_bytes) {
      give_up("answered with more than " + std::to_string(limits_.max_answer_bytes) + " bytes");
    }
    if (understand([&] { return message_kind(message); }) == MessageKind::error) throw told(message);
    return message;
  }

  [[nodiscard]] std::vector<std::uint64_t> ask_for_numbers(const std::string& request) const {
    const std::string message = ask(request);
    return understand([&] { return parse_numbers_message(message); });
  }

  /// The error that an answer tells, which names the file in any case.
  [[nodiscard]] Error told(const std::string& message) const {
    Error error = understand([&] { return parse_error_message(message); });
    if (std::string_view(error.what()).starts_with(file_ + ": ")) return error;
    return {error.code(), file_ + ": " + error.what()};
  }

  std::string file_;
  GuardLimits limits_;
  LogHeader header_;
  mutable ChildProcess child_;
};

}  // namespace

void set_reader_program(std::vector<std::string> command) {
  reader_program() = std::move(command);
}

std::unique_ptr<RolloutLogSource> open_guarded_log(const fs::path& file, const GuardLimits& limits) {
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) {
    throw Error(ExitCode::missing_input, file.string() + ": is not there (need an HDF5 file)");
  }
  if (reader_program().empty()) {
    throw Error(ExitCode::internal, file.string() + ": no program to read it (need set_reader_program())");
  }
  return std::make_unique<GuardedLog>(file, limits);
}

}  // namespace reckon
