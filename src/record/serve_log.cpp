#include <cerrno>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <new>
#include <optional>
#include <sstream>

#include "log_wire.h"
#include "reader_limits.h"
#include "reckon/record/guarded_log.h"

namespace reckon {
namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ExitCode::usage, "read-log: " + what + ". It is a command of reckon's own, not for people");
}

std::string next_word(std::istringstream& words) {
  std::string word;
  if (!(words >> word)) refuse("a request with a word too few");
  return word;
}

std::uint64_t next_number(std::istringstream& words) {
  const std::string word = next_word(words);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) refuse("a request with a bad number");
  return number;
}

void answer(const std::string& message) {
  const std::string line = as_line(message) + "\n";
  if (std::fwrite(line.data(), 1, line.size(), stdout) != line.size() || std::fflush(stdout) != 0) {
    throw system_error(ExitCode::io, "read-log: cannot write", errno);
  }
}

/// Answers with what `make` gives, or with how it failed. \return whether it gave something
template <class Make>
bool answer_with(const std::string& file, std::uint64_t memory_mb, const Make& make) {
  try {
    answer(make());
    return true;
  } catch (const Error& error) {
    if (error.code() != ExitCode::bad_data && error.code() != ExitCode::missing_input) throw;
    answer(error_message(error.code(), error.what()));
  } catch (const std::bad_alloc&) {
    answer(error_message(ExitCode::bad_data, file + ": could not be read: it takes more than " +
                                                 std::to_string(memory_mb) +
                                                 " MiB of memory. Is the file damaged or hostile?"));
  }
  return false;
}

/// \param request  "steps", "groups N" or "step N"
std::string answer_to(const std::string& request, const RolloutLogReader& log) {
  std::istringstream words(request);
  const std::string kind = next_word(words);
  if (kind == "steps") return numbers_message(log.step_numbers());
  const std::uint64_t index = next_number(words);
  if (kind == "groups") return numbers_message(log.group_places(index));
  if (kind != "step") refuse("a request of no known kind");
  return step_message(index, log.read(index));
}

}  // namespace

void serve_log() {
  std::string line;
  if (!std::getline(std::cin, line)) return;
  std::istringstream request(line);
  if (next_word(request) != "open") refuse("its first request opens no file");
  const std::uint64_t memory_mb = next_number(request);
  const std::uint64_t cpu_seconds = next_number(request);
  request.get();
  std::string rest;
  std::getline(request, rest);
  const std::string file = from_line(rest);

  limit_reader(memory_mb);
  allow_cpu_seconds(cpu_seconds);
  std::optional<RolloutLogReader> log;
  const bool is_open = answer_with(file, memory_mb, [&] {
    log.emplace(file);
    return header_message({log->info(), log->segment(), log->reward_term_names(), log->num_steps()});
  });
  while (is_open && std::getline(std::cin, line)) {
    allow_cpu_seconds(cpu_seconds);
    answer_with(file, memory_mb, [&] { return answer_to(line, *log); });
  }
}

}  // namespace reckon
