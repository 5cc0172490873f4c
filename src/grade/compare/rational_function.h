#pragma once

#include <flint/fmpq_poly.h>
#include <flint/fmpz_poly.h>

#include <optional>
#include <string>
#include <vector>

#include "expr.h"

namespace reckon {

/// Higher degrees are not solved.
inline constexpr long kMaxSolvedDegree = 12;

/// A real root of a polynomial over Q, as an expression: rational, or (p + s sqrt(q)) / r.
struct PolynomialRoot {
  Expr value;
  long multiplicity = 1;
};

/// N(x) / D(x) of an expression in one variable with rational coefficients.
class RationalFunction {
 public:
  RationalFunction();
  ~RationalFunction();
  RationalFunction(const RationalFunction&) = delete;
  RationalFunction& operator=(const RationalFunction&) = delete;

  /// \return whether the expression is such a function, with degrees up to kMaxSolvedDegree on the way.
  [[nodiscard]] bool read(const Expr& expr, const std::string& variable);

  /// Removes what numerator and denominator have in common.
  void reduce();
  [[nodiscard]] bool is_zero() const;
  /// The sign for large x.
  [[nodiscard]] int sign_at_infinity() const;
  /// All real roots of the numerator (denominator); nothing where one is not a rational number or of a
  /// quadratic.
  [[nodiscard]] std::optional<std::vector<PolynomialRoot>> zeros() const;
  [[nodiscard]] std::optional<std::vector<PolynomialRoot>> poles() const;

 private:
  bool combine(const Expr& expr, const std::string& variable);
  bool read_power(const Expr& expr, const std::string& variable);
  [[nodiscard]] bool is_small() const;

  fmpq_poly_t numerator_, denominator_;
};

}  // namespace reckon
