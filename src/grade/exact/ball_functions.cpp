#include "ball_functions.h"

namespace reckon::exact {
namespace {

// Bits before the point of an argument.
constexpr long kMaxExpBits = 600;     // the result's exponent has as many bits
constexpr long kMaxTrigBits = 4'000;  // reduced by pi with as many bits more
constexpr long kMaxGammaBits = 600;
constexpr long kMaxFloorBits = 70'000;

bool is_below(const acb_t x, long bits) {
  if (acb_is_finite(x) == 0) return false;
  mag_t size;
  mag_init(size);
  acb_get_mag(size, x);
  const bool result = mag_cmp_2exp_si(size, bits) < 0;
  mag_clear(size);
  return result;
}

long magnitude_bits(const acb_t x) {
  mag_t size;
  mag_init(size);
  acb_get_mag(size, x);
  const double log2 = mag_get_d_log2_approx(size);
  mag_clear(size);
  return log2 > 0 ? static_cast<long>(log2) + 1 : 0;
}

void floor_of(acb_t result, const acb_t x, long precision) {
  if (arb_is_zero(acb_imagref(x)) == 0 || !is_below(x, kMaxFloorBits)) {
    acb_indeterminate(result);
    return;
  }
  arb_floor(acb_realref(result), acb_realref(x), precision);
  arb_zero(acb_imagref(result));
}

/// n! = gamma(n + 1).
void factorial_of(acb_t result, const acb_t x, long precision) {
  if (!is_below(x, kMaxGammaBits)) {
    acb_indeterminate(result);
    return;
  }
  acb_add_ui(result, x, 1, precision);
  if (is_below(x, 16)) {
    acb_gamma(result, result, precision);
    return;
  }
  // Large: through the logarithm, with the bits that the exponential takes away.
  const long working = precision + 2 * magnitude_bits(x);
  acb_lgamma(result, result, working);
  guarded_exp(result, result, working);
}

}  // namespace

void guarded_exp(acb_t result, const acb_t x, long precision) {
  if (!is_below(x, kMaxExpBits)) {
    acb_indeterminate(result);
    return;
  }
  acb_exp(result, x, precision);
}

void guarded_pow(acb_t result, const acb_t base, const acb_t exponent, long precision) {
  if (acb_is_finite(base) == 0 || acb_is_finite(exponent) == 0) {
    acb_indeterminate(result);
    return;
  }
  Ball product;
  acb_log(product.get(), base, precision + 64);
  acb_mul(product.get(), product.get(), exponent, precision + 64);
  guarded_exp(result, product.get(), precision);
}

void radical_of(acb_t result, const acb_t x, unsigned long degree, bool is_constant, long precision) {
  const bool is_negative_real = arb_is_zero(acb_imagref(x)) != 0 && arb_is_negative(acb_realref(x)) != 0;
  if (is_constant || degree % 2 == 0 || !is_negative_real) {
    acb_root_ui(result, x, degree, precision);
    return;
  }
  acb_neg(result, x);
  acb_root_ui(result, result, degree, precision);
  acb_neg(result, result);
}

void minimum(acb_t result, const acb_t a, const acb_t b, long precision) {
  if (arb_is_zero(acb_imagref(a)) == 0 || arb_is_zero(acb_imagref(b)) == 0) {
    acb_indeterminate(result);
    return;
  }
  arb_min(acb_realref(result), acb_realref(a), acb_realref(b), precision);
  arb_zero(acb_imagref(result));
}

void evaluate_function(Op op, acb_t result, const acb_t x, long precision) {
  const bool is_periodic = op == Op::sin || op == Op::cos;
  if (acb_is_finite(x) == 0 || (is_periodic && !is_below(x, kMaxTrigBits))) {
    acb_indeterminate(result);
    return;
  }
  // Away from the real line, sin and cos grow as exp does.
  if (is_periodic && arb_is_zero(acb_imagref(x)) == 0 && !is_below(x, kMaxExpBits)) {
    acb_indeterminate(result);
    return;
  }
  switch (op) {
    case Op::exp:
      return guarded_exp(result, x, precision);
    case Op::ln:
      return acb_log(result, x, precision);
    case Op::sin:
      return acb_sin(result, x, precision);
    case Op::cos:
      return acb_cos(result, x, precision);
    case Op::arcsin:
      return acb_asin(result, x, precision);
    case Op::arctan:
      return acb_atan(result, x, precision);
    case Op::absolute:
      acb_abs(acb_realref(result), x, precision);
      return arb_zero(acb_imagref(result));
    case Op::sign:
      return acb_sgn(result, x, precision);
    case Op::floor:
      return floor_of(result, x, precision);
    case Op::conjugate:
      return acb_conj(result, x);
    case Op::factorial:
      return factorial_of(result, x, precision);
    default:
      return acb_indeterminate(result);
  }
}

}  // namespace reckon::exact
