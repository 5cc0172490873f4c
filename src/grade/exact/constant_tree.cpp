#include <unordered_set>

#include "decide.h"

namespace reckon::exact {
namespace {

// Calcium's time grows fast with both.
constexpr std::size_t kMaxNodes = 64;
constexpr std::size_t kMaxTreeNodes = 256;
constexpr std::size_t kMaxExtensions = 8;

Expr branch(Op op, std::vector<Expr> args) {
  Expr expr;
  expr.op = op;
  expr.args = std::move(args);
  return expr;
}

Expr integer(const fmpz* value) {
  Integer size;
  fmpz_abs(size.get(), value);
  Expr expr;
  expr.digits = Rational(size.get()).text();
  if (fmpz_sgn(value) >= 0) return expr;
  return branch(Op::negate, {std::move(expr)});
}

Expr rational(const Rational& value) {
  if (value.is_integer()) return integer(value.numerator());
  return branch(Op::divide, {integer(value.numerator()), integer(value.denominator())});
}

class TreeWriter {
 public:
  explicit TreeWriter(const Pool& pool) : pool_(pool) {}

  std::optional<Expr> tree(NodeId id) {
    Expr result = of(id);
    if (!is_good_ || extensions_.size() > kMaxExtensions || nodes_.size() > kMaxNodes) return std::nullopt;
    return result;
  }

 private:
  Expr of(NodeId id) {
    const Node& node = pool_[id];
    nodes_.insert(id);
    if (++num_tree_nodes_ > kMaxTreeNodes) is_good_ = false;
    if (!is_good_) return {};
    switch (node.kind) {
      case Kind::number:
        return rational(node.value);
      case Kind::pi:
        extensions_.insert(id);
        return branch(Op::pi, {});
      case Kind::imaginary:
        return branch(Op::imaginary, {});
      case Kind::sum:
        return sum(node);
      case Kind::product:
        return product(node);
      case Kind::power:
        extensions_.insert(id);
        return branch(Op::power, {of(node.parts[0].node), of(node.parts[1].node)});
      case Kind::radical:
        extensions_.insert(id);
        return branch(Op::power, {of(node.parts[0].node), rational(node.value.inverse())});
      case Kind::function:
        extensions_.insert(id);
        if (node.parts.size() == 1) return branch(node.op, {of(node.parts[0].node)});
        break;
      default:
        break;
    }
    is_good_ = false;
    return {};
  }

  Expr sum(const Node& node) {
    std::vector<Expr> terms;
    if (!node.value.is_zero()) terms.push_back(rational(node.value));
    for (const Part& part : node.parts) {
      Expr term = of(part.node);
      if (!part.factor.is_one()) term = branch(Op::multiply, {rational(part.factor), std::move(term)});
      terms.push_back(std::move(term));
    }
    return branch(Op::add, std::move(terms));
  }

  Expr product(const Node& node) {
    std::vector<Expr> factors;
    for (const Part& part : node.parts) factors.push_back(power_of(part));
    return branch(Op::multiply, std::move(factors));
  }

  Expr power_of(const Part& part) {
    const Node& base = pool_[part.node];
    if (part.factor.is_one()) return of(part.node);
    if (!part.factor.is_integer()) {
      extensions_.insert(part.node);
      // The powers of has_formal_powers() are those of the exponent.
      if (base.kind == Kind::function && base.op == Op::exp) {
        return branch(Op::exp, {branch(Op::multiply, {rational(part.factor), of(base.parts[0].node)})});
      }
      if (base.kind == Kind::power) {
        Expr exponent = branch(Op::multiply, {rational(part.factor), of(base.parts[1].node)});
        return branch(Op::power, {of(base.parts[0].node), std::move(exponent)});
      }
    } else if (!part.factor.is_small(1'000)) {
      is_good_ = false;
    }
    return branch(Op::power, {of(part.node), rational(part.factor)});
  }

  const Pool& pool_;
  std::unordered_set<NodeId> nodes_;
  std::unordered_set<NodeId> extensions_;
  std::size_t num_tree_nodes_ = 0;
  bool is_good_ = true;
};

}  // namespace

std::optional<Expr> constant_tree(const Pool& pool, NodeId node) {
  return TreeWriter(pool).tree(node);
}

}  // namespace reckon::exact
