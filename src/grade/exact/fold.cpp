#include "fold.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace reckon::exact {
namespace {

constexpr double kLog2Of10 = 3.321928094887362;

bool multiply_into(std::int64_t& value, std::int64_t factor) {
  return !__builtin_mul_overflow(value, factor, &value);
}

bool multiply_by_power_of_ten(std::int64_t& value, std::int64_t exponent) {
  if (exponent > 18) return false;
  for (; exponent > 0; --exponent) {
    if (!multiply_into(value, 10)) return false;
  }
  return true;
}

std::optional<SmallFraction> small_literal(const Expr& expr) {
  SmallFraction result;
  const char* end = expr.digits.data() + expr.digits.size();
  const auto [rest, error] = std::from_chars(expr.digits.data(), end, result.numerator);
  if (error != std::errc() || rest != end) return std::nullopt;
  if (expr.exponent10 > 18 || expr.exponent10 < -18) return std::nullopt;
  const std::int64_t exponent = expr.exponent10 - expr.num_fraction_digits;
  std::int64_t& target = exponent < 0 ? result.denominator : result.numerator;
  if (!multiply_by_power_of_ten(target, std::abs(exponent))) return std::nullopt;
  return result;
}

std::optional<SmallFraction> small_sum(const Expr& expr) {
  SmallFraction total;
  for (const Expr& arg : expr.args) {
    const auto term = small_fraction(arg);
    if (!term) return std::nullopt;
    std::int64_t right = term->numerator;
    if (!multiply_into(total.numerator, term->denominator) || !multiply_into(right, total.denominator) ||
        __builtin_add_overflow(total.numerator, right, &total.numerator) ||
        !multiply_into(total.denominator, term->denominator)) {
      return std::nullopt;
    }
  }
  return total;
}

std::optional<SmallFraction> small_product(const Expr& expr) {
  SmallFraction total{1, 1};
  for (const Expr& arg : expr.args) {
    const auto factor = small_fraction(arg);
    if (!factor || !multiply_into(total.numerator, factor->numerator) ||
        !multiply_into(total.denominator, factor->denominator)) {
      return std::nullopt;
    }
  }
  return total;
}

std::optional<SmallFraction> small_quotient(const Expr& expr) {
  if (expr.args.size() != 2) return std::nullopt;
  auto a = small_fraction(expr.args[0]);
  auto b = a ? small_fraction(expr.args[1]) : std::nullopt;
  if (!b || b->numerator == 0 || b->numerator == INT64_MIN) return std::nullopt;
  if (b->numerator < 0) {
    b->numerator = -b->numerator;
    if (!multiply_into(b->denominator, -1)) return std::nullopt;
  }
  if (!multiply_into(a->numerator, b->denominator) || !multiply_into(a->denominator, b->numerator)) {
    return std::nullopt;
  }
  return a;
}

/// Exact values by recursion over the tree.
class Folder {
 public:
  Folder(const Bindings& bindings, Budget& budget) : bindings_(bindings), budget_(budget) {}

  std::optional<Rational> value(const Expr& expr) {
    if (!budget_.spend() || ++depth_ > kMaxDepth) return std::nullopt;
    auto result = unchecked(expr);
    --depth_;
    if (result && result->bits() > kMaxBits) return std::nullopt;
    return result;
  }

 private:
  static constexpr int kMaxDepth = 500;

  std::optional<Rational> unchecked(const Expr& expr) {
    switch (expr.op) {
      case Op::number:
        return literal_value(expr);
      case Op::symbol:
        return bound(expr.name);
      case Op::add:
      case Op::multiply:
        return n_ary(expr);
      case Op::negate:
      case Op::percent:
      case Op::absolute:
      case Op::floor:
      case Op::ceil:
      case Op::factorial:
        return unary(expr);
      case Op::divide:
      case Op::power:
      case Op::binomial:
      case Op::mod:
        return binary(expr);
      default:
        return std::nullopt;
    }
  }

  [[nodiscard]] std::optional<Rational> bound(const std::string& name) const {
    for (std::size_t i = bindings_.size(); i-- > 0;) {
      if (bindings_[i].first == name) return bindings_[i].second;
    }
    return std::nullopt;
  }

  std::optional<Rational> n_ary(const Expr& expr) {
    const bool adds = expr.op == Op::add;
    Rational total = adds ? 0 : 1;
    for (const Expr& arg : expr.args) {
      const auto term = value(arg);
      if (!term || total.bits() > kMaxBits) return std::nullopt;
      total = adds ? total + *term : total * *term;
    }
    return total;
  }

  std::optional<Rational> unary(const Expr& expr) {
    if (expr.args.size() != 1) return std::nullopt;
    const auto x = value(expr.args[0]);
    if (!x) return std::nullopt;
    switch (expr.op) {
      case Op::negate:
        return -*x;
      case Op::percent:
        return *x / Rational(100);
      case Op::absolute:
        return x->sign() < 0 ? -*x : *x;
      case Op::floor:
        return x->floor();
      case Op::ceil:
        return -(-*x).floor();
      default:
        break;
    }
    constexpr std::int64_t kMaxFactorial = 1'000;  // larger ones are the business of make_factorial()
    if (!x->is_small(kMaxFactorial) || x->sign() < 0) return std::nullopt;
    Rational result;
    fmpz_fac_ui(fmpq_numref(result.get()), static_cast<ulong>(x->small()));
    return result;
  }

  std::optional<Rational> binary(const Expr& expr) {
    if (expr.args.size() != 2) return std::nullopt;
    const auto a = value(expr.args[0]);
    const auto b = a ? value(expr.args[1]) : std::nullopt;
    if (!b) return std::nullopt;
    switch (expr.op) {
      case Op::divide:
        if (b->is_zero()) return std::nullopt;
        return *a / *b;
      case Op::mod:
        if (b->is_zero()) return std::nullopt;
        return *a - *b * (*a / *b).floor();
      case Op::power:
        return power(*a, *b);
      default:
        break;
    }
    constexpr std::int64_t kMaxBinomial = 10'000;
    if (!a->is_small(kMaxBinomial) || !b->is_small(kMaxBinomial)) return std::nullopt;
    if (a->sign() < 0 || b->sign() < 0) return std::nullopt;
    Rational result;
    fmpz_bin_uiui(fmpq_numref(result.get()), static_cast<ulong>(a->small()), static_cast<ulong>(b->small()));
    return result;
  }

  static std::optional<Rational> power(const Rational& base, const Rational& exponent) {
    if (!exponent.is_small(100'000) || (base.is_zero() && exponent.sign() <= 0)) return std::nullopt;
    if (base.bits() * std::abs(static_cast<double>(exponent.small())) > kMaxBits) return std::nullopt;
    Rational result;
    fmpq_pow_si(result.get(), base.get(), exponent.small());
    return result;
  }

  const Bindings& bindings_;
  Budget& budget_;
  int depth_ = 0;
};

}  // namespace

std::optional<SmallFraction> small_fraction(const Expr& expr) {
  switch (expr.op) {
    case Op::number:
      return small_literal(expr);
    case Op::negate:
    case Op::percent: {
      if (expr.args.size() != 1) return std::nullopt;
      auto x = small_fraction(expr.args[0]);
      if (x &&
          !(expr.op == Op::negate ? multiply_into(x->numerator, -1) : multiply_into(x->denominator, 100))) {
        return std::nullopt;
      }
      return x;
    }
    case Op::add:
      return small_sum(expr);
    case Op::multiply:
      return small_product(expr);
    case Op::divide:
      return small_quotient(expr);
    default:
      return std::nullopt;
  }
}

std::optional<Rational> literal_value(const Expr& number) {
  const std::int64_t exponent =
      std::clamp<std::int64_t>(number.exponent10, -1'000'000'000, 1'000'000'000) - number.num_fraction_digits;
  const double bits =
      kLog2Of10 * (static_cast<double>(number.digits.size()) + std::abs(static_cast<double>(exponent)));
  Rational result;
  if (number.digits == "0") return result;
  if (bits > kMaxBits) return std::nullopt;
  if (fmpz_set_str(fmpq_numref(result.get()), number.digits.c_str(), 10) != 0) return std::nullopt;
  if (exponent == 0) return result;
  Rational scale;
  fmpz_ui_pow_ui(fmpq_numref(scale.get()), 10, static_cast<ulong>(std::abs(exponent)));
  return exponent > 0 ? result * scale : result / scale;
}

std::optional<Rational> fold(const Expr& expr, const Bindings& bindings, Budget& budget) {
  return Folder(bindings, budget).value(expr);
}

}  // namespace reckon::exact
