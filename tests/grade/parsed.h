#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>

#include "grade/parse_answer.h"

namespace reckon::testing {

/// The tree of the answer in one line, with plain literals: (add x 3) for (add x (number 3)); where there is
/// none, "empty", "malformed" or "refused" with the reason.
inline std::string tree(std::string_view text, Comma comma = Comma::separates_members,
                        const ParseLimits& limits = {}) {
  const ParsedAnswer answer = parse_answer(text, comma, limits);
  switch (answer.status) {
    case ParseStatus::empty:
      return "empty: " + answer.reason;
    case ParseStatus::malformed:
      return "malformed: " + answer.reason;
    case ParseStatus::refused:
      return "refused: " + answer.reason;
    case ParseStatus::ok:
      break;
  }
  std::string result = to_text(answer.expr);
  constexpr std::string_view kNumber = "(number ";
  for (std::size_t at = 0; (at = result.find(kNumber, at)) != std::string::npos;) {
    result.erase(at, kNumber.size());
    result.erase(result.find(')', at), 1);
  }
  return result;
}

/// An answer, and its tree as a person reads it.
struct Reading {
  std::string_view text;
  std::string_view tree;
};
inline void PrintTo(const Reading& reading, std::ostream* out) {
  *out << reading.text;
}

template <std::size_t size>
void expect_trees(const Reading (&readings)[size]) {
  for (const Reading& reading : readings) EXPECT_EQ(tree(reading.text), reading.tree) << reading.text;
}

}  // namespace reckon::testing
