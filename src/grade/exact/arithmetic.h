#pragma once

#include <initializer_list>
#include <vector>

#include "pool.h"

namespace reckon::exact {

// Sums, products and powers in normal form. Every result is the value of what was asked for wherever that has
// one, with three readings of what the notation leaves open:
// - powers of constants and even roots are principal values: (-8)^(1/3) = 1 + sqrt(3) i;
// - root() of odd degree of a negative constant is the real root;
// - of an expression in variables, x^(p/q) with odd q is the real power too: it is real where x is.

/// Collects a sum.
class SumBuilder {
 public:
  explicit SumBuilder(Pool& pool) : pool_(pool) {}
  void add(NodeId node, const Rational& coefficient = 1);
  NodeId finish();

 private:
  Pool& pool_;
  Rational constant_;
  std::vector<Part> parts_;
  bool is_bad_ = false;
};

/// Collects a product.
class ProductBuilder {
 public:
  explicit ProductBuilder(Pool& pool) : pool_(pool) {}
  /// Multiplies by node ^ exponent: any integer exponent, and any rational one where has_formal_powers().
  void multiply(NodeId node, const Rational& exponent = 1);
  NodeId finish();

 private:
  void multiply_number(const Rational& value, const Rational& exponent);
  void multiply_sum(NodeId node, const Rational& exponent);
  bool merge();
  bool take_whole_parts();
  void take_number_power(Part& part);

  Pool& pool_;
  Rational coefficient_ = 1;
  std::vector<Part> parts_;
  bool is_bad_ = false;
};

/// Whether node ^ c is understood for every rational c: positive constants, and exp(t) and u^t (u a positive
/// constant), whose powers mean exp(c t) and u^(c t).
[[nodiscard]] bool has_formal_powers(const Pool& pool, NodeId node);

NodeId add(Pool& pool, NodeId a, NodeId b);
NodeId subtract(Pool& pool, NodeId a, NodeId b);
NodeId multiply(Pool& pool, NodeId a, NodeId b);
NodeId divide(Pool& pool, NodeId a, NodeId b);
NodeId scale(Pool& pool, NodeId node, const Rational& factor);
NodeId negate(Pool& pool, NodeId node);

/// The rational factor of a sum: it has the sign of the first part's coefficient; 1 for everything else.
[[nodiscard]] Rational content(const Pool& pool, NodeId node);

/// base ^ exponent.
NodeId power(Pool& pool, NodeId base, const Rational& exponent);
NodeId power(Pool& pool, NodeId base, NodeId exponent);
/// The root of a degree >= 1.
NodeId root(Pool& pool, NodeId radicand, std::int64_t degree);
NodeId square_root(Pool& pool, NodeId radicand);

}  // namespace reckon::exact
