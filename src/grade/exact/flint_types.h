#pragma once

// Values of FLINT and Arb with constructors and destructors. Each belongs to the thread that made it.

#include <acb.h>
#include <arb.h>
#include <flint/fmpq.h>
#include <flint/fmpz.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace reckon::exact {

/// An integer of any size.
class Integer {
 public:
  Integer() { fmpz_init(value_); }
  explicit Integer(std::int64_t value) { fmpz_init_set_si(value_, value); }
  Integer(const Integer& other) { fmpz_init_set(value_, other.value_); }
  Integer(Integer&& other) noexcept {
    fmpz_init(value_);
    fmpz_swap(value_, other.value_);
  }
  Integer& operator=(Integer other) noexcept {
    fmpz_swap(value_, other.value_);
    return *this;
  }
  ~Integer() { fmpz_clear(value_); }
  [[nodiscard]] fmpz* get() { return value_; }
  [[nodiscard]] const fmpz* get() const { return value_; }

 private:
  fmpz_t value_;
};

/// A rational number in lowest terms. Operations do not look at sizes: the caller has predicted them.
class Rational {
 public:
  Rational() { fmpq_init(value_); }
  Rational(std::int64_t numerator, std::uint64_t denominator = 1) {  // NOLINT: numbers stand for themselves
    fmpq_init(value_);
    fmpq_set_si(value_, numerator, denominator);
  }
  explicit Rational(const fmpz* numerator) : Rational() { fmpz_set(fmpq_numref(value_), numerator); }
  Rational(const Rational& other) : Rational() { fmpq_set(value_, other.value_); }
  Rational(Rational&& other) noexcept : Rational() { fmpq_swap(value_, other.value_); }
  Rational& operator=(Rational other) noexcept {
    fmpq_swap(value_, other.value_);
    return *this;
  }
  ~Rational() { fmpq_clear(value_); }

  [[nodiscard]] fmpq* get() { return value_; }
  [[nodiscard]] const fmpq* get() const { return value_; }
  [[nodiscard]] const fmpz* numerator() const { return fmpq_numref(value_); }
  [[nodiscard]] const fmpz* denominator() const { return fmpq_denref(value_); }

  [[nodiscard]] bool is_zero() const { return fmpq_is_zero(value_) != 0; }
  [[nodiscard]] bool is_one() const { return fmpq_is_one(value_) != 0; }
  [[nodiscard]] bool is_integer() const { return fmpz_is_one(denominator()) != 0; }
  [[nodiscard]] int sign() const { return fmpq_sgn(value_); }
  /// Bits of numerator and denominator together.
  [[nodiscard]] double bits() const {
    return static_cast<double>(fmpz_bits(numerator())) + static_cast<double>(fmpz_bits(denominator()));
  }
  /// Whether it is an integer between -limit and limit.
  [[nodiscard]] bool is_small(std::int64_t limit) const {
    return is_integer() && fmpz_cmp_si(numerator(), limit) <= 0 && fmpz_cmp_si(numerator(), -limit) >= 0;
  }
  /// The value of an integer that is_small().
  [[nodiscard]] std::int64_t small() const { return fmpz_get_si(numerator()); }
  [[nodiscard]] Rational floor() const {
    Rational result;
    fmpz_fdiv_q(fmpq_numref(result.value_), numerator(), denominator());
    return result;
  }
  [[nodiscard]] Rational inverse() const {
    Rational result;
    fmpq_inv(result.value_, value_);
    return result;
  }
  /// p or p/q in lowest terms.
  [[nodiscard]] std::string text() const {
    char* chars = fmpq_get_str(nullptr, 10, value_);
    std::string result(chars);
    flint_free(chars);
    return result;
  }
  [[nodiscard]] std::size_t hash() const {
    constexpr std::uint64_t kPrime = 0x1FFFFFFFFFFFFFFF;  // 2^61 - 1
    return fmpz_fdiv_ui(numerator(), kPrime) * 0x9E3779B97F4A7C15u ^ fmpz_fdiv_ui(denominator(), kPrime);
  }

  friend Rational operator+(const Rational& a, const Rational& b) {
    Rational result;
    fmpq_add(result.value_, a.value_, b.value_);
    return result;
  }
  friend Rational operator-(const Rational& a, const Rational& b) {
    Rational result;
    fmpq_sub(result.value_, a.value_, b.value_);
    return result;
  }
  friend Rational operator*(const Rational& a, const Rational& b) {
    Rational result;
    fmpq_mul(result.value_, a.value_, b.value_);
    return result;
  }
  friend Rational operator/(const Rational& a, const Rational& b) {
    Rational result;
    fmpq_div(result.value_, a.value_, b.value_);
    return result;
  }
  friend Rational operator-(const Rational& a) {
    Rational result;
    fmpq_neg(result.value_, a.value_);
    return result;
  }
  friend bool operator==(const Rational& a, const Rational& b) { return fmpq_equal(a.value_, b.value_) != 0; }
  friend std::strong_ordering operator<=>(const Rational& a, const Rational& b) {
    return fmpq_cmp(a.value_, b.value_) <=> 0;
  }

 private:
  fmpq_t value_;
};

/// A real number within a ball.
class RealBall {
 public:
  RealBall() { arb_init(value_); }
  RealBall(const RealBall& other) : RealBall() { arb_set(value_, other.value_); }
  RealBall& operator=(const RealBall& other) {
    arb_set(value_, other.value_);
    return *this;
  }
  ~RealBall() { arb_clear(value_); }
  [[nodiscard]] arb_ptr get() { return value_; }
  [[nodiscard]] arb_srcptr get() const { return value_; }

 private:
  arb_t value_;
};

/// A complex number within a rectangle of two balls.
class Ball {
 public:
  Ball() { acb_init(value_); }
  Ball(const Ball& other) : Ball() { acb_set(value_, other.value_); }
  Ball(Ball&& other) noexcept : Ball() { acb_swap(value_, other.value_); }
  Ball& operator=(Ball other) noexcept {
    acb_swap(value_, other.value_);
    return *this;
  }
  ~Ball() { acb_clear(value_); }
  [[nodiscard]] acb_ptr get() { return value_; }
  [[nodiscard]] acb_srcptr get() const { return value_; }
  [[nodiscard]] arb_ptr real() { return acb_realref(value_); }
  [[nodiscard]] arb_srcptr real() const { return acb_realref(value_); }
  [[nodiscard]] arb_ptr imag() { return acb_imagref(value_); }
  [[nodiscard]] arb_srcptr imag() const { return acb_imagref(value_); }

 private:
  acb_t value_;
};

/// Frees FLINT's and Arb's caches of this thread when the thread ends. Called at every way into this folder,
/// before any value is made.
inline void free_caches_at_thread_exit() {
  struct Cleanup {
    Cleanup() = default;
    Cleanup(const Cleanup&) = delete;
    Cleanup& operator=(const Cleanup&) = delete;
    ~Cleanup() { flint_cleanup(); }
  };
  thread_local const Cleanup cleanup;
  static_cast<void>(cleanup);
}

}  // namespace reckon::exact
