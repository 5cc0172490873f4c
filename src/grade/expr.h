#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace reckon {

/// What a node of a parsed answer is. `args` in the order given; `name` as said, else empty.
enum class Op : std::uint8_t {
  // Numbers and names
  number,     ///< literal without a sign: `digits`, `num_fraction_digits`, `exponent10`
  symbol,     ///< variable; name is canonical: x, AB, x_{1}, x_{i,j}, alpha, x', \overline{x} as bar{x}
  pi,         ///< 3.14159...
  euler,      ///< e, unless it has a subscript
  imaginary,  ///< i (also j and I where nothing else fits is the comparer's business: they come as symbols)
  infinity,
  // Arithmetic
  add,       ///< n-ary; a - b is add(a, negate(b))
  multiply,  ///< n-ary; juxtaposition, \cdot, \times, *
  negate,
  divide,      ///< (numerator, denominator)
  power,       ///< (base, exponent)
  root,        ///< (radicand, degree); \sqrt{x} has degree number 2
  plus_minus,  ///< (x): one of +x, -x. a \pm b is add(a, plus_minus(b))
  minus_plus,  ///< (x): the sign opposite to that of plus_minus in the same answer
  factorial,
  double_factorial,
  binomial,  ///< (n, k)
  percent,   ///< (x): x / 100, written with a % sign or the word
  degrees,   ///< (x): an angle written with a degree sign or the word
  // Functions of one argument
  absolute,
  floor,
  ceil,
  sign,
  exp,
  ln,
  log10,  ///< \log and \lg without a base are log10
  sin,
  cos,
  tan,
  cot,
  sec,
  csc,
  arcsin,
  arccos,
  arctan,
  arccot,
  arcsec,
  arccsc,
  sinh,
  cosh,
  tanh,
  coth,
  sech,
  csch,
  arsinh,
  arcosh,
  artanh,
  arcoth,
  arsech,
  arcsch,
  conjugate,
  real_part,
  imaginary_part,
  // Functions of several
  log,  ///< (x, base)
  gcd,
  lcm,
  min,
  max,
  mod,  ///< (a, n): the remainder in [0, n), a \mod n, a \bmod n, mod(a, n)
  // With a bound variable
  sum,
  product,     ///< (body, variable, low, high)
  integral,    ///< (body, variable) or (body, variable, low, high)
  limit,       ///< (body, variable, target); name is "", "+" or "-": the side
  derivative,  ///< (body, variable)
  // Anything else that is a value
  call,          ///< name(args): f(x); compared by name and arguments
  based_number,  ///< number with a base as subscript: name holds the digits (0-9A-Z), args = {base}
  quantity,      ///< (value) with a unit: name is the canonical unit (km/h, cm^2, dollar, ...)
  // Collections
  list,   ///< a, b, c; a; b; "a and b", "a or b": without brackets, at least 2
  tuple,  ///< (a, b, ...): a point or an open interval, at least 2; also \langle a, b \rangle, name "vector"
  interval,  ///< one of [a,b] [a,b) (a,b] ]a,b[ ...: (low, high), see low_closed and high_closed
  sequence,  ///< [a, b, c, ...] with 1 or more than 2 members
  set,       ///< {a, b, ...}: also of 1; none of the comparer's business whether {..} meant grouping
  empty_set,
  number_set,   ///< name is N, Z, Q, R or C
  set_builder,  ///< {x | condition}: (element, condition)
  set_union,
  intersection,
  set_difference,  ///< n-ary, n-ary, (a, b)
  matrix,          ///< num_columns columns, args row by row; a column vector has 1 column
  // Statements
  relation,  ///< a chain: args[0] relations[0] args[1] relations[1] ...
  all_of,
  any_of,
  not_of,  ///< statements joined by and / or; negated
  ratio,   ///< a : b (: c ...); `clock` where it is written as a time of day, 9:05 or 12:00:30
  text,    ///< words: name is folded (lower case, single blanks, without quotes and a full stop at the end)
  cases,   ///< piecewise: value, condition, value, condition ...; a last value may have none (empty text)
};

enum class Relation : std::uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  approximately,
  congruent,
  identical,
  element,
  not_element,
  subset,
  subset_equal,
  superset,
  superset_equal,
  parallel,
  perpendicular,
  similar,
  proportional,
  implies,
  equivalent,
  maps_to,
};

/// A parsed answer. A plain value: copying copies the tree.
struct Expr {
  Op op = Op::number;
  std::vector<Expr> args;
  std::string name;

  // number: value = digits * 10^(exponent10 - num_fraction_digits); 3.50 is digits 350,
  // num_fraction_digits 2.
  std::string digits;  ///< decimal digits without leading zeros; "0" for zero
  std::int32_t num_fraction_digits = 0;
  std::int64_t exponent10 = 0;  ///< of 3e5 and 3E5; a\times10^n is multiply(a, power(10, n))
  bool has_point = false;       ///< written as a decimal: 3.50, 3. , .5

  bool low_closed = false, high_closed = false;  // interval
  bool clock = false;                            // ratio
  std::int32_t num_columns = 0;                  // matrix
  std::vector<Relation> relations;               // relation: one fewer than args
};

}  // namespace reckon
