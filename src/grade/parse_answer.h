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
///
/// Where a text can be read in several ways:
/// - a comma groups thousands (1,000) outside of brackets, and inside where a group begins with 0; 1{,}000
/// and 1 000
///   are groups everywhere; two numbers with a blank between that are no groups and no mixed number are
///   malformed;
/// - a / b c is (a / b) c, 1/2x is x/2, but A / 8y is A / (8y) where A is no whole number;
/// - 2e-3 is 2e - 3; 1e-3, 2.0e-3 and 2e-03 are numbers;
/// - members joined by the words and / or are all_of / any_of where all are relations and one is no equation,
/// else a
///   list; x = 1, 2 is the list of x = 1 and 2;
/// - {x} is x, but a set behind \in, beside \cup, \cap, \setminus, and within a set of such groups; \{x\} and
/// [x] are x
///   where they are multiplied;
/// - a ratio is a clock only where it cannot be another thing: 12:05, 7:00, 7:32 pm, not 7:32;
/// - a run of small letters is a word where it has at least three, a vowel, and no mathematics beside it,
/// else a
///   product; a run of capitals is one symbol; a single letter in any markup or parentheses is that symbol:
///   (B);
/// - f, g, h, F and G before a bracket are called, and any name before a list or a capital before a
/// statement;
///   other letters are multiplied;
/// - a unit is a known word behind a value, or any words there inside \text{}; it is about the whole sum
/// before it;
/// - x!! is (x!)!; var forms of Greek letters are the letters: \varepsilon is epsilon.
[[nodiscard]] ParsedAnswer parse_answer(std::string_view text, Comma comma = Comma::separates_members,
                                        const ParseLimits& limits = {});

/// A tree in one line, for tests and messages: (add x (negate (number 3.50))).
[[nodiscard]] std::string to_text(const Expr& expr);

}  // namespace reckon
