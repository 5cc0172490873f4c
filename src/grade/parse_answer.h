#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "expr.h"

namespace reckon {

/// Limits of an answer (no answer of MATH has more than 159 characters, or brackets deeper than 3).
struct ParseLimits {
  std::size_t max_bytes = 1000;
  std::size_t max_tokens = 1000;
  int max_depth = 32;             ///< of the tree: brackets, scripts, signs in a row, factorials in a row
  std::size_t max_digits = 1000;  ///< of a number literal
  std::size_t max_members = 64;   ///< of a list, set, tuple
  int max_matrix_side = 16;
};

/// What a comma between digits means where both readings are possible: 1,22 or 0,111. Groups of three digits
/// (7,425,000) are thousands either way.
enum class Comma { separates_members, is_decimal_point };

enum class ParseStatus {
  ok,
  empty,      ///< blank, or nothing but markup
  malformed,  ///< no answer in this grammar
  refused,    ///< over a limit, or a character that no answer has
};

struct ParsedAnswer {
  ParseStatus status = ParseStatus::empty;
  Expr expr;           ///< where ok
  std::string reason;  ///< else: what is wrong, for people
};

/// Reads one answer as people write it, in LaTeX or plain text, the whole text being that answer, with or
/// without $...$, \(...\), \[...\] or a \boxed{} around it and a full stop behind it. Linear time, never
/// throws for what the text says. Words that are no mathematics become one Op::text.
[[nodiscard]] ParsedAnswer parse_answer(std::string_view text, Comma comma = Comma::separates_members,
                                        const ParseLimits& limits = {});

/// A tree in one line, for tests and messages: (add x (negate (number 3.50))).
[[nodiscard]] std::string to_text(const Expr& expr);

}  // namespace reckon
