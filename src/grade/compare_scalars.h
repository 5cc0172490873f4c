#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
/// text (those: undecided, as is a tree with plus_minus or minus_plus in it, or without the arguments that
/// its operations need). grading.md, section 2.4; each step answers or passes on:
///  1. small fractions in 64-bit integers; equal trees;
///  2. both sides in normal form, in which numbers are exact (up to 65,536 bits, predicted before they are
///     computed), like terms are collected, surds are reduced, and angles, logarithms and powers of e are
///     split;
///  3. constants: balls of 64 to 4096 bits that do not meet (different); the difference multiplied out over
///  its
///     surds and other atoms (equal, if nothing is left); the certifier (reckon/grade/certifier.h), for at
///     most 64 nodes with 8 surds, logarithms and the like;
///  4. rational functions over Q: multiplied out where small, else their values modulo two secret 61-bit
///  primes
///     at two points each (equal: wrong with a probability below 2^-160);
///  5. other expressions in variables: balls at secret points, see exact/sampling.h. Only here `equal` is not
///     proved: it may miss a difference outside of all regions that are sampled.
///
/// Variables are real (complex too, where conjugates or parts are taken), and have their names alone, case
/// counts. Functions are principal values. Readings of what the notation leaves open:
///  - root of odd degree of a negative constant is real, cbrt(-8) = -2; a power is principal, (-8)^(1/3) = 1
///  +
///    sqrt(3) i; of an expression in variables both are the real one, x^(1/3) = cbrt(x). So sqrt(x y) is not
///    sqrt(x) sqrt(y), ln(x y) not ln x + ln y: they differ where x and y are negative;
///  - arccot is between 0 and pi; log without a base is log10; degrees are pi / 180, everywhere; percent is 1
///  / 100;
///  - mod(a, n) = a - n floor(a / n), which has the sign of n; binomial(n, k) is 0 for k < 0, and for k > n
///  >= 0;
///  - gcd and lcm also of fractions, surds and polynomials: see exact/functions.h;
///  - 0^0 is 1. What divides by 0 has no value and equals nothing, not itself either (undecided). (x^2 - 1) /
///  (x -
///    1) is x + 1: single points at which one side has no value do not count;
///  - infinity equals itself, with its sign, and takes part in nothing but a change of sign;
///  - a number with a base, alone, equals one with the same digits and the same base only; in an expression
///  it is
///    its value;
///  - a unit is a factor that equals itself only: 5 km + 3 km = 8 km, and is different from 8;
///  - sums and products of up to 10,000 terms between whole numbers are worked out; other series, integrals,
///  limits
///    and derivatives are not: they are equal where their parts are (bound variables may be renamed), and
///    compared with anything else undecided. f(x) is equal to f(y) where x = y, and otherwise to nothing
///    else.
///
/// Takes no longer than 50 ms, and 200 ms for the certifier (`timeout`); no memory above some 64 MB. Any
/// thread may call it. Never throws, but for the certifier's start (std::system_error).
[[nodiscard]] Equality equal_values(const Expr& a, const Expr& b);

/// Whether f = c * g for a constant c != 0 (c > 0 with Factor::positive): the equations f = 0 and g = 0, or
/// inequalities with 0, are the same. c may be irrational: sqrt(2) x = 2 is x = sqrt(2). With
/// Factor::nonzero, also after denominators with variables are cleared on both sides: 1 / x = 2 is 2 x = 1.
/// (A denominator may be negative, so an inequality's is not cleared.) f = 0 and g = 0 themselves are
/// proportional. Verdicts are those of equal_values().
enum class Factor { nonzero, positive };
[[nodiscard]] Equality proportional_values(const Expr& f, const Expr& g, Factor factor);

/// The order of two real constants: -1 where a < b, 0, 1; nothing where they are not constants, not real, or
/// not decided. Infinity is above, and minus infinity below, whatever is known to be real. Proved.
[[nodiscard]] std::optional<int> compare_constants(const Expr& a, const Expr& b);

/// Whether |a - b| <= tolerance, all three real constants (tolerance exact, such as 1/2 * 10^-k), the bound
/// included: `equal` or `different`, both proved, or why not.
[[nodiscard]] Equality within(const Expr& a, const Expr& b, const Expr& tolerance);

/// The value as an exact rational "p" or "p/q" in lowest terms; nothing where it is none, is not seen to be
/// one by multiplying out, or has more than 65,536 bits.
[[nodiscard]] std::optional<std::string> rational_value(const Expr& a);

/// Names of the free variables, sorted, each once. Sums, products, limits and integrals with bounds bind
/// theirs; the variable of an integral without bounds and of a derivative is free. Names of functions are no
/// variables.
[[nodiscard]] std::vector<std::string> free_variables(const Expr& a);

}  // namespace reckon
