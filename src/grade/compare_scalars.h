#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "expr.h"

namespace reckon {

/// What is known of two values.
enum class Equality : std::uint8_t {
  equal,      ///< proved, or (expressions in variables) true at every point tried: see equal_values()
  different,  ///< proved
  undecided,  ///< neither could be shown within the limits
  refused,    ///< a value is over a limit of size, predicted before it was computed
  timeout,    ///< the certifier did not answer in time, and was ended
};

/// Equality of two scalar expressions: everything of Op up to `quantity`, without collections, statements and
/// text (those: undecided). Bound variables are their own; call, integral, limit and derivative are opaque:
/// equal where their parts are. grading.md, section 2.4.
[[nodiscard]] Equality equal_values(const Expr& a, const Expr& b);

/// Whether f = c * g for a rational constant c != 0 (c > 0 with `Sign::positive`): the equations f = 0 and g
/// = 0 are the same, after denominators are cleared.
enum class Factor { nonzero, positive };
[[nodiscard]] Equality proportional_values(const Expr& f, const Expr& g, Factor factor);

/// The order of two real constants: -1, 0, 1; nothing where they are not constants, not real, or not decided.
[[nodiscard]] std::optional<int> compare_constants(const Expr& a, const Expr& b);

/// Whether |a - b| <= tolerance, all three real constants (tolerance exact, such as 1/2 * 10^-k).
[[nodiscard]] Equality within(const Expr& a, const Expr& b, const Expr& tolerance);

/// The value as an exact rational "p" or "p/q" in lowest terms; nothing where it is none, or too large.
[[nodiscard]] std::optional<std::string> rational_value(const Expr& a);

/// Names of the free variables, sorted, each once.
[[nodiscard]] std::vector<std::string> free_variables(const Expr& a);

}  // namespace reckon
