#pragma once

// Trees of answers, written by hand: n(3) * pow(v("x"), n(2)) + sqrt(n(5)).

#include <string>
#include <utility>
#include <vector>

#include "grade/expr.h"

namespace reckon::testing {

inline Expr node(Op op, std::vector<Expr> args = {}, std::string name = {}) {
  Expr expr;
  expr.op = op;
  expr.args = std::move(args);
  expr.name = std::move(name);
  return expr;
}

/// A literal such as 12, 3.50 or -7 (which is negate(7)), with a decimal exponent.
inline Expr lit(const std::string& text, std::int64_t exponent10 = 0) {
  if (text.starts_with('-')) return node(Op::negate, {lit(text.substr(1), exponent10)});
  Expr expr;
  for (const char c : text) {
    if (c == '.') {
      expr.has_point = true;
    } else {
      expr.digits.push_back(c);
      expr.num_fraction_digits += expr.has_point ? 1 : 0;
    }
  }
  while (expr.digits.size() > 1 && expr.digits[0] == '0') expr.digits.erase(0, 1);
  expr.exponent10 = exponent10;
  return expr;
}

inline Expr n(std::int64_t value) {
  return lit(std::to_string(value));
}
inline Expr v(const std::string& name) {
  return node(Op::symbol, {}, name);
}
inline Expr pi() {
  return node(Op::pi);
}
inline Expr euler() {
  return node(Op::euler);
}
inline Expr imag() {
  return node(Op::imaginary);
}
inline Expr infinity() {
  return node(Op::infinity);
}

inline Expr operator-(Expr a) {
  return node(Op::negate, {std::move(a)});
}
inline Expr operator+(Expr a, Expr b) {
  return node(Op::add, {std::move(a), std::move(b)});
}
inline Expr operator-(Expr a, Expr b) {
  return std::move(a) + -std::move(b);
}
inline Expr operator*(Expr a, Expr b) {
  return node(Op::multiply, {std::move(a), std::move(b)});
}
inline Expr operator/(Expr a, Expr b) {
  return node(Op::divide, {std::move(a), std::move(b)});
}
inline Expr operator*(std::int64_t a, Expr b) {
  return n(a) * std::move(b);
}
inline Expr operator+(Expr a, std::int64_t b) {
  return std::move(a) + n(b);
}
inline Expr operator+(std::int64_t a, Expr b) {
  return n(a) + std::move(b);
}
inline Expr operator-(Expr a, std::int64_t b) {
  return std::move(a) - n(b);
}
inline Expr operator-(std::int64_t a, Expr b) {
  return n(a) - std::move(b);
}
inline Expr operator/(Expr a, std::int64_t b) {
  return std::move(a) / n(b);
}
inline Expr operator/(std::int64_t a, Expr b) {
  return n(a) / std::move(b);
}

inline Expr pow(Expr base, Expr exponent) {
  return node(Op::power, {std::move(base), std::move(exponent)});
}
inline Expr pow(Expr base, std::int64_t exponent) {
  return pow(std::move(base), n(exponent));
}
inline Expr root(Expr radicand, std::int64_t degree) {
  return node(Op::root, {std::move(radicand), n(degree)});
}
inline Expr sqrt(Expr radicand) {
  return root(std::move(radicand), 2);
}
inline Expr sqrt(std::int64_t radicand) {
  return sqrt(n(radicand));
}
inline Expr fn(Op op, Expr x) {
  return node(op, {std::move(x)});
}
inline Expr fn(Op op, Expr x, Expr y) {
  return node(op, {std::move(x), std::move(y)});
}
inline Expr degrees(std::int64_t x) {
  return fn(Op::degrees, n(x));
}
inline Expr call(const std::string& name, std::vector<Expr> args) {
  return node(Op::call, std::move(args), name);
}
inline Expr series(Op op, Expr body, const std::string& variable, Expr low, Expr high) {
  return node(op, {std::move(body), v(variable), std::move(low), std::move(high)});
}

}  // namespace reckon::testing
