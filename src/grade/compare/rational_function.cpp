#include "rational_function.h"

#include <flint/fmpz_poly_factor.h>

#include <algorithm>
#include <cstdlib>

#include "compare_scalars.h"
#include "expr_build.h"

namespace reckon {
namespace {

/// Longer coefficients are not of an inequality that people write.
constexpr std::size_t kMaxCoefficientDigits = 200;

Expr integer_expr(const fmpz_t value) {
  char* digits = fmpz_get_str(nullptr, 10, value);
  Expr expr;
  expr.digits = digits[0] == '-' ? digits + 1 : digits;
  const bool is_negative = digits[0] == '-';
  flint_free(digits);
  return is_negative ? make_node(Op::negate, {std::move(expr)}) : expr;
}

/// (-b + sign * sqrt(d)) / (2a)
Expr quadratic_root(const fmpz_t a, const fmpz_t b, const fmpz_t d, int sign) {
  fmpz_t minus_b, two_a;
  fmpz_init(minus_b);
  fmpz_init(two_a);
  fmpz_neg(minus_b, b);
  fmpz_mul_ui(two_a, a, 2);
  Expr root = make_node(Op::root, {integer_expr(d), make_integer(2)});
  if (sign < 0) root = make_node(Op::negate, {std::move(root)});
  Expr result = make_node(
      Op::divide, {make_node(Op::add, {integer_expr(minus_b), std::move(root)}), integer_expr(two_a)});
  fmpz_clear(minus_b);
  fmpz_clear(two_a);
  return result;
}

/// Appends the real roots of an irreducible factor. \return false where they are of a higher degree
bool append_roots(const fmpz_poly_struct* factor, long multiplicity, std::vector<PolynomialRoot>& roots) {
  const long degree = fmpz_poly_degree(factor);
  if (degree <= 0) return true;
  if (degree > 2) return fmpz_poly_num_real_roots(factor) == 0;
  const fmpz* c = factor->coeffs;
  if (degree == 1) {
    const Expr ratio = make_node(Op::divide, {integer_expr(c), integer_expr(c + 1)});
    roots.push_back({make_node(Op::negate, {ratio}), multiplicity});
    return true;
  }
  fmpz_t discriminant;
  fmpz_init(discriminant);
  fmpz_mul(discriminant, c + 2, c);
  fmpz_mul_si(discriminant, discriminant, -4);
  fmpz_addmul(discriminant, c + 1, c + 1);
  if (fmpz_sgn(discriminant) > 0) {
    for (const int sign : {1, -1})
      roots.push_back({quadratic_root(c + 2, c + 1, discriminant, sign), multiplicity});
  }
  fmpz_clear(discriminant);
  return true;
}

std::optional<std::vector<PolynomialRoot>> real_roots(const fmpq_poly_t polynomial) {
  std::vector<PolynomialRoot> roots;
  if (fmpq_poly_degree(polynomial) <= 0) return roots;
  fmpz_poly_t integral;
  fmpz_poly_init(integral);
  fmpq_poly_get_numerator(integral, polynomial);
  fmpz_poly_factor_t factors;
  fmpz_poly_factor_init(factors);
  fmpz_poly_factor(factors, integral);
  bool is_solved = true;
  for (long i = 0; i < factors->num; ++i)
    is_solved = is_solved && append_roots(factors->p + i, factors->exp[i], roots);
  fmpz_poly_factor_clear(factors);
  fmpz_poly_clear(integral);
  return is_solved ? std::optional(std::move(roots)) : std::nullopt;
}

int leading_sign(const fmpq_poly_t polynomial) {
  const long degree = fmpq_poly_degree(polynomial);
  return degree < 0 ? 0 : fmpz_sgn(polynomial->coeffs + degree);  // the common denominator is positive
}

}  // namespace

RationalFunction::RationalFunction() {
  fmpq_poly_init(numerator_);
  fmpq_poly_init(denominator_);
  fmpq_poly_one(denominator_);
}

RationalFunction::~RationalFunction() {
  fmpq_poly_clear(numerator_);
  fmpq_poly_clear(denominator_);
}

bool RationalFunction::is_small() const {
  return fmpq_poly_degree(numerator_) <= kMaxSolvedDegree &&
         fmpq_poly_degree(denominator_) <= kMaxSolvedDegree;
}

bool RationalFunction::read(const Expr& expr, const std::string& variable) {
  if (expr.op == Op::symbol) {
    if (expr.name != variable) return false;
    fmpq_poly_set_coeff_si(numerator_, 1, 1);
    return true;
  }
  if (expr.op == Op::power) return read_power(expr, variable);
  if (expr.op == Op::add || expr.op == Op::multiply || expr.op == Op::divide || expr.op == Op::negate) {
    return combine(expr, variable);
  }
  const auto value = rational_value(expr);
  return value && value->size() <= kMaxCoefficientDigits &&
         fmpq_poly_set_str(numerator_, ("1  " + *value).c_str()) == 0;
}

bool RationalFunction::combine(const Expr& expr, const std::string& variable) {
  if (expr.op == Op::add) {
    fmpq_poly_zero(numerator_);
  } else {
    fmpq_poly_one(numerator_);
  }
  for (std::size_t i = 0; i < expr.args.size(); ++i) {
    RationalFunction part;
    if (!part.read(expr.args[i], variable)) return false;
    if (expr.op == Op::add) {
      fmpq_poly_mul(numerator_, numerator_, part.denominator_);
      fmpq_poly_mul(part.numerator_, part.numerator_, denominator_);
      fmpq_poly_add(numerator_, numerator_, part.numerator_);
      fmpq_poly_mul(denominator_, denominator_, part.denominator_);
    } else {
      const bool is_divisor = expr.op == Op::divide && i == 1;
      if (is_divisor && fmpq_poly_is_zero(part.numerator_) != 0) return false;
      fmpq_poly_mul(numerator_, numerator_, is_divisor ? part.denominator_ : part.numerator_);
      fmpq_poly_mul(denominator_, denominator_, is_divisor ? part.numerator_ : part.denominator_);
    }
    if (!is_small()) return false;
  }
  if (expr.op == Op::negate) fmpq_poly_neg(numerator_, numerator_);
  return true;
}

bool RationalFunction::read_power(const Expr& expr, const std::string& variable) {
  const auto exponent = rational_value(expr.args.at(1));
  if (!exponent || exponent->size() > 3 || exponent->find('/') != std::string::npos) return false;
  RationalFunction base;
  if (!base.read(expr.args[0], variable)) return false;
  const long n = std::atol(exponent->c_str());
  const auto times = static_cast<unsigned long>(std::labs(n));
  const long degree =
      std::max<long>(1, std::max(fmpq_poly_degree(base.numerator_), fmpq_poly_degree(base.denominator_)));
  if (static_cast<long>(times) * degree > kMaxSolvedDegree) return false;
  if (n < 0 && fmpq_poly_is_zero(base.numerator_) != 0) return false;
  fmpq_poly_pow(numerator_, n < 0 ? base.denominator_ : base.numerator_, times);
  fmpq_poly_pow(denominator_, n < 0 ? base.numerator_ : base.denominator_, times);
  return true;
}

void RationalFunction::reduce() {
  fmpq_poly_t common;
  fmpq_poly_init(common);
  fmpq_poly_gcd(common, numerator_, denominator_);
  if (fmpq_poly_degree(common) > 0) {
    fmpq_poly_div(numerator_, numerator_, common);
    fmpq_poly_div(denominator_, denominator_, common);
  }
  fmpq_poly_clear(common);
}

bool RationalFunction::is_zero() const {
  return fmpq_poly_is_zero(numerator_) != 0;
}

int RationalFunction::sign_at_infinity() const {
  return leading_sign(numerator_) * leading_sign(denominator_);
}

std::optional<std::vector<PolynomialRoot>> RationalFunction::zeros() const {
  return real_roots(numerator_);
}

std::optional<std::vector<PolynomialRoot>> RationalFunction::poles() const {
  return real_roots(denominator_);
}

}  // namespace reckon
