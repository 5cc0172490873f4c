#include "reckon/task/external_program.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>

#include "reckon/base/child_process.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr double kFirstPauseSeconds = 0.1;
constexpr double kLongestPauseSeconds = 5;
/// Failed requests that are told one by one.
constexpr std::int64_t kMostWarnings = 100;

/// The beginning of a line, in quotes.
std::string glimpse(const std::string& line) {
  constexpr std::size_t kLength = 120;
  return line.size() <= kLength ? in_quotes(line) : in_quotes(line.substr(0, kLength)) + "...";
}

std::string in_words(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& word : command) text += (text.empty() ? "" : " ") + word;
  return in_quotes(text);
}

/// JSON in ASCII: a program that reads in another encoding gets the same text. Completions may hold bytes
/// that are no UTF-8.
std::string line_of(const ordered_json& value) {
  return value.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
}

/// A JSON object from a line. \return what is wrong with it, or ""
std::string parse_object(const std::string& line, json& value) {
  try {
    value = parse_json(line, "");
  } catch (const Error&) {
    return "wrote " + glimpse(line) + " (need one JSON object a line, and nothing else on standard output)";
  }
  if (value.is_object()) return {};
  return "wrote " + glimpse(line) + " (need a JSON object)";
}

/// 10, 0.5: without the zeros of std::to_string().
std::string in_seconds(double seconds) {
  std::string text = std::to_string(seconds);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " s";
}

std::string hello_need() {
  return std::string(R"( (need {"protocol": ")") + kProgramProtocol + R"(", "levels": [1]}))";
}

}  // namespace

ExternalProgram::ExternalProgram(ProgramConfig config, const std::string& where)
    : config_(std::move(config)), where_(where + ": program " + in_words(config_.command)) {
  ExitCode code = ExitCode::bad_data;
  if (const std::string reason = start(code); !reason.empty()) throw Error(code, where_ + ": " + reason);
}

ExternalProgram::~ExternalProgram() = default;

ProgramReply ExternalProgram::ask(const ordered_json& request, double seconds, const Check& check) {
  const std::lock_guard lock(mutex_);
  if (!child_) start_again();
  ProgramReply reply = exchange(request, seconds, check);
  if (reply.outcome == ProgramOutcome::answered) {
    if (!first_) first_ = Exchange{request, seconds, check, reply.value};
    return reply;
  }
  if (!first_ && ++failed_starts_ > config_.max_restarts)
    throw Error(ExitCode::bad_data, given_up(reply.reason));
  if (++num_failures_ <= kMostWarnings) {
    log_warning(where_ + ": " + reply.reason +
                (num_failures_ < kMostWarnings ? "" : ". Further failures are not told"));
  }
  return reply;
}

void ExternalProgram::restart() {
  const std::lock_guard lock(mutex_);
  child_.reset();
}

std::string ExternalProgram::start(ExitCode& code) {
  try {
    child_ = std::make_unique<ChildProcess>(
        config_.command, ChildOptions{.name = where_,
                                      .memory_mb = config_.memory_mb,
                                      .max_line_bytes = static_cast<std::size_t>(config_.max_line_bytes)});
  } catch (const Error& error) {
    code = error.code();
    return error.what();
  }
  code = ExitCode::bad_data;
  json hello;
  std::string reason = read_hello(hello);
  if (reason.empty() && !hello_.is_null() && hello != hello_) {
    reason = "began with " + glimpse(hello_.dump()) + " and, started again, with " + glimpse(hello.dump()) +
             " (need the same line)";
  }
  if (reason.empty()) {
    hello_ = std::move(hello);
  } else {
    child_.reset();
  }
  return reason;
}

std::string ExternalProgram::read_hello(json& hello) {
  const ChildLine line = child_->exchange("", config_.start_seconds);
  switch (line.status) {
    case ChildStatus::timeout:
      return "wrote no line within " + in_seconds(config_.start_seconds) + hello_need() +
             ". Does it flush its output?";
    case ChildStatus::ended:
      return ended("before its first line" + hello_need());
    case ChildStatus::too_long:
      return "began with a line longer than " + std::to_string(config_.max_line_bytes) + " bytes" +
             hello_need();
    case ChildStatus::line:
      break;
  }
  if (const std::string reason = parse_object(line.text, hello);
      !reason.empty() || hello.value("protocol", json()) != kProgramProtocol)
    return "began with " + glimpse(line.text) + hello_need();
  return {};
}

void ExternalProgram::start_again() {
  while (true) {
    if (failed_starts_ > 0) {
      const double pause =
          std::ldexp(kFirstPauseSeconds, static_cast<int>(std::min<std::int64_t>(failed_starts_ - 1, 10)));
      std::this_thread::sleep_for(std::chrono::duration<double>(std::min(pause, kLongestPauseSeconds)));
    }
    ExitCode code = ExitCode::bad_data;
    std::string reason = start(code);
    if (reason.empty() && !first_) return;
    if (reason.empty()) {
      const ProgramReply reply = exchange(first_->request, first_->seconds, first_->check);
      if (reply.outcome == ProgramOutcome::answered) {
        if (reply.value == first_->reply) {
          failed_starts_ = 0;
          return;
        }
        throw Error(ExitCode::bad_data, where_ + ": answered " + glimpse(line_of(first_->request)) +
                                            " with " + glimpse(first_->reply.dump()) +
                                            " and, started again, with " + glimpse(reply.value.dump()) +
                                            " (need answers that depend on the request alone)");
      }
      reason = reply.reason;
    }
    if (++failed_starts_ > config_.max_restarts) throw Error(code, given_up(reason));
    log_warning(where_ + ": started again, it " + reason);
  }
}

ProgramReply ExternalProgram::exchange(const ordered_json& request, double seconds, const Check& check) {
  if (child_->has_unread_output()) {
    return failure(
        ProgramOutcome::failed,
        "wrote to standard output without a request (need one line for each). Does it print there?");
  }
  ordered_json numbered = {{"id", ++last_id_}};
  numbered.update(request);
  const ChildLine line = child_->exchange(line_of(numbered), seconds);
  switch (line.status) {
    case ChildStatus::timeout:
      return failure(ProgramOutcome::timeout, "gave no answer within " + in_seconds(seconds));
    case ChildStatus::ended:
      return failure(ProgramOutcome::failed, ended("before it answered"));
    case ChildStatus::too_long:
      return failure(ProgramOutcome::failed, "wrote more than " + std::to_string(config_.max_line_bytes) +
                                                 " bytes without a line feed (max_line_bytes)");
    case ChildStatus::line:
      break;
  }
  json value;
  std::string reason = parse_object(line.text, value);
  if (reason.empty() && value.value("id", json()) != last_id_) {
    reason = "answered " + glimpse(line.text) + " (need the request's \"id\", " + std::to_string(last_id_) +
             "). Does it print to standard output?";
  }
  if (reason.empty()) {
    value.erase("id");
    reason = check(value);
  }
  if (!reason.empty()) return failure(ProgramOutcome::failed, reason);
  return {ProgramOutcome::answered, std::move(value), {}};
}

ProgramReply ExternalProgram::failure(ProgramOutcome outcome, const std::string& reason) {
  child_->kill();
  child_.reset();
  return {outcome, {}, reason};
}

std::string ExternalProgram::given_up(const std::string& reason) const {
  return where_ + ": failed " + std::to_string(failed_starts_) + " times in a row; the last time it " +
         reason + " (max_restarts is " + std::to_string(config_.max_restarts) + ")";
}

std::string ExternalProgram::ended(const std::string& when) {
  std::string text = child_->end_text() + " " + when;
  if (!child_->last_words().empty()) text += ". Its last words: " + child_->last_words();
  return text;
}

}  // namespace reckon
