#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pool.h"

namespace reckon::exact {

/// Brings trees into normal form, in one pool.
class Builder {
 public:
  Builder(Pool& pool, Budget& budget) : pool_(pool), budget_(budget) {}

  NodeId build(const Expr& expr);
  /// Whether a tree had something that is no scalar, or a sign of two (plus_minus): nothing is known of it.
  [[nodiscard]] bool met_unsupported() const { return met_unsupported_; }

 private:
  static constexpr int kMaxDepth = 500;
  static constexpr std::int64_t kMaxTerms = 10'000;

  NodeId checked(const Expr& expr);
  NodeId leaf(const Expr& expr);
  NodeId number(const Expr& expr);
  NodeId arithmetic(const Expr& expr);
  NodeId root_of(const Expr& expr);
  NodeId with_bound_variable(const Expr& expr);
  NodeId series(const Expr& expr);
  NodeId finite_series(const Expr& expr, std::int64_t low, std::int64_t high);
  NodeId opaque_with(const Expr& expr, NodeId variable);
  NodeId based_number(const Expr& expr);
  NodeId several(const Expr& expr);
  std::vector<NodeId> build_all(const Expr& expr);
  NodeId unsupported();

  Pool& pool_;
  Budget& budget_;
  std::vector<std::pair<std::string, NodeId>> bound_;
  int depth_ = 0;
  bool met_unsupported_ = false;
};

/// The value of the digits 0-9A-Z in a base from 2 to 36; nothing where a digit is not below the base.
[[nodiscard]] std::optional<Rational> based_value(const std::string& digits, std::int64_t base);

}  // namespace reckon::exact
