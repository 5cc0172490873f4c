#include "reckon/base/failpoint.h"

#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <string>

#include "reckon/base/error.h"

namespace reckon {
namespace {

int failpoint_rank = 0;

/// What is left to count until each named point kills; empty without RECKON_FAIL_AT.
std::map<std::string, int, std::less<>> parse_plan() {
  std::map<std::string, int, std::less<>> plan;
  const char* text = std::getenv("RECKON_FAIL_AT");
  if (text == nullptr) return plan;
  std::string rest = text;
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    const std::string item = rest.substr(0, comma);
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
    const std::size_t colon = item.find(':');
    const int count = colon == std::string::npos ? 1 : std::atoi(item.c_str() + colon + 1);
    if (count < 1) {
      throw Error(ExitCode::usage,
                  "RECKON_FAIL_AT: \"" + item + "\" is not name:count (count is at least 1)");
    }
    plan[item.substr(0, colon)] = count;
  }
  return plan;
}

int signal_to_send() {
  const char* number = std::getenv("RECKON_FAIL_SIGNAL");
  return number == nullptr ? SIGKILL : std::atoi(number);
}

}  // namespace

void set_failpoint_rank(int rank) {
  failpoint_rank = rank;
}

void failpoint(std::string_view name) {
  static std::map<std::string, int, std::less<>> plan = parse_plan();
  if (plan.empty()) return;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const char* only = std::getenv("RECKON_FAIL_RANK");
  if (only != nullptr && std::atoi(only) != failpoint_rank) return;
  const auto found = plan.find(name);
  if (found != plan.end() && --found->second == 0) std::raise(signal_to_send());
}

}  // namespace reckon
