#include "substitute.h"

#include "arithmetic.h"
#include "functions.h"

namespace reckon::exact {
namespace {

class Substitution {
 public:
  Substitution(Pool& pool, const Replacements& replacements) : pool_(pool), done_(replacements) {}

  NodeId of(NodeId id) {
    const auto found = done_.find(id);
    if (found != done_.end()) return found->second;
    const NodeId result = pool_.spend() ? rebuilt(id) : pool_.undefined();
    done_[id] = result;
    return result;
  }

 private:
  NodeId rebuilt(NodeId id) {
    const Node& node = pool_[id];
    switch (node.kind) {
      case Kind::sum: {
        SumBuilder sum(pool_);
        sum.add(pool_.number(node.value));
        for (const Part& part : node.parts) sum.add(of(part.node), part.factor);
        return sum.finish();
      }
      case Kind::product: {
        ProductBuilder product(pool_);
        for (const Part& part : node.parts) product.multiply(power_of(part));
        return product.finish();
      }
      case Kind::power:
        return power(pool_, of(node.parts[0].node), of(node.parts[1].node));
      case Kind::radical:
        return root(pool_, of(node.parts[0].node), fmpz_get_si(node.value.numerator()));
      case Kind::function:
        return function(node);
      case Kind::opaque: {
        std::vector<NodeId> args;
        for (const Part& part : node.parts) args.push_back(of(part.node));
        return pool_.opaque(node.op, node.name, args);
      }
      default:
        return id;
    }
  }

  NodeId power_of(const Part& part) {
    const Node& base = pool_[part.node];
    if (part.factor.is_integer()) return power(pool_, of(part.node), part.factor);
    if (base.kind == Kind::function && base.op == Op::exp) {
      return make_exp(pool_, scale(pool_, of(base.parts[0].node), part.factor));
    }
    if (base.kind == Kind::power) {
      return power(pool_, of(base.parts[0].node), scale(pool_, of(base.parts[1].node), part.factor));
    }
    return power(pool_, of(part.node), part.factor);
  }

  NodeId function(const Node& node) {
    std::vector<NodeId> args;
    for (const Part& part : node.parts) args.push_back(of(part.node));
    if (node.op == Op::min) return make_min(pool_, args);
    if (node.op == Op::factorial) return make_factorial(pool_, args[0]);
    return function_of(pool_, node.op, args[0]);
  }

  Pool& pool_;
  Replacements done_;
};

}  // namespace

NodeId substitute(Pool& pool, NodeId node, const Replacements& replacements) {
  return Substitution(pool, replacements).of(node);
}

}  // namespace reckon::exact
