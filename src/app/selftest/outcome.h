#pragma once

#include <array>
#include <string>
#include <utility>

#include "reckon/base/describe.h"

namespace reckon::selftest {

enum class Result { pass, fail, skipped };
constexpr auto enum_names(Result) {
  return std::array{EnumName{Result::pass, "pass"}, EnumName{Result::fail, "fail"},
                    EnumName{Result::skipped, "skipped"}};
}

/// What the check of one property came to.
struct Outcome {
  Result result = Result::pass;
  std::string compared;  ///< what was compared, in a few words; of a skipped one what it needs
  std::string detail;    ///< of a failed one: the first thing that is wrong, with the values
};

[[nodiscard]] inline Outcome skipped(std::string needs) {
  return {Result::skipped, std::move(needs), ""};
}
[[nodiscard]] inline Outcome failed(std::string detail) {
  return {Result::fail, "", std::move(detail)};
}

}  // namespace reckon::selftest
