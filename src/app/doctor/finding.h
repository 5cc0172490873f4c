#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "reckon/base/describe.h"

namespace reckon::doctor {

enum class Verdict { pass, skipped, warn, fail };
constexpr auto enum_names(Verdict) {
  return std::array{EnumName{Verdict::pass, "pass"}, EnumName{Verdict::skipped, "skipped"},
                    EnumName{Verdict::warn, "warn"}, EnumName{Verdict::fail, "fail"}};
}

/// What a check came to.
struct Finding {
  Verdict verdict = Verdict::pass;
  std::string found = {};                ///< what is there, in a line; of a skipped one why
  std::vector<std::string> advice = {};  ///< what is wrong, with values, and what to do

  void warn(std::string text) { add(Verdict::warn, std::move(text)); }
  void fail(std::string text) { add(Verdict::fail, std::move(text)); }

 private:
  void add(Verdict at_least, std::string text) {
    verdict = std::max(verdict, at_least);
    advice.push_back(std::move(text));
  }
};

[[nodiscard]] inline Finding skipped(std::string why) {
  return {.verdict = Verdict::skipped, .found = std::move(why)};
}

}  // namespace reckon::doctor
