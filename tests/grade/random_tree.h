#pragma once

// Random trees for properties and for comparison with an oracle, and their text in Python.

#include <stdexcept>
#include <string>

#include "expr_builder.h"
#include "reckon/base/philox.h"

namespace reckon::testing {

/// What a random tree is made of.
enum class TreeKind {
  rational,   ///< numbers and + - * / ^ by small integers
  constant,   ///< also surds, pi, e, exp, ln, sin, cos, arctan
  variables,  ///< rational functions of x, y, z
  functions,  ///< all of these, of variables too
};

class RandomTrees {
 public:
  RandomTrees(TreeKind kind, std::uint64_t seed) : kind_(kind), random_(seed, 0x74726565u) {}

  Expr tree(int depth) {
    if (depth <= 0) return leaf();
    const bool has_functions = kind_ == TreeKind::constant || kind_ == TreeKind::functions;
    switch (random_.below(has_functions ? 9 : 6)) {
      case 0:
      case 1:
        return node(Op::add, {tree(depth - 1), tree(depth - 1)});
      case 2:
        return tree(depth - 1) * tree(depth - 1);
      case 3:
        return tree(depth - 1) - tree(depth - 1);
      case 4:
        return tree(depth - 1) / leaf();
      case 5:
        return pow(tree(depth - 1), 2 + random_.below(2));
      case 6:
        return sqrt(positive());
      case 7:
        return fn(random_.below(2) == 0 ? Op::exp : Op::arctan, leaf());
      default:
        return fn(random_.below(2) == 0 ? Op::sin : Op::cos, tree(depth - 1));
    }
  }

  /// Another tree of the same value: sums and products turned round and multiplied out, powers written out.
  Expr rewritten(const Expr& expr) {
    Expr result = expr;
    for (Expr& arg : result.args) arg = rewritten(arg);
    switch (expr.op) {
      case Op::add:
        std::swap(result.args.front(), result.args.back());
        return random_.below(3) == 0 ? std::move(result) + n(0) : result;
      case Op::multiply:
        if (result.args[0].op == Op::add && random_.below(2) == 0) {
          Expr sum = node(Op::add);
          for (const Expr& term : result.args[0].args) sum.args.push_back(term * result.args[1]);
          return sum;
        }
        std::swap(result.args.front(), result.args.back());
        return result;
      case Op::divide:
        return random_.below(2) == 0 ? result : result.args[0] * pow(result.args[1], -1);
      case Op::power:
        return random_.below(2) == 0 ? result : result.args[0] * pow(result.args[0], result.args[1] - 1);
      case Op::exp:
        return pow(euler(), result.args[0]);
      case Op::number:
        return random_.below(4) == 0 ? (std::move(result) + 7) - 7 : result;
      default:
        return result;
    }
  }

  std::uint32_t below(std::uint32_t bound) { return random_.below(bound); }

 private:
  Expr positive() {
    switch (kind_ == TreeKind::functions ? random_.below(3) : random_.below(2)) {
      case 0:
        return n(1 + random_.below(20));
      case 1:
        return n(2 + random_.below(5)) + sqrt(1 + random_.below(3));
      default:
        return 1 + pow(v("x"), 2);
    }
  }
  Expr leaf() {
    const bool has_variables = kind_ == TreeKind::variables || kind_ == TreeKind::functions;
    if (has_variables && random_.below(2) == 0)
      return v(std::string(1, static_cast<char>('x' + random_.below(3))));
    if (kind_ == TreeKind::constant && random_.below(4) == 0) return random_.below(2) == 0 ? pi() : sqrt(2);
    switch (random_.below(4)) {
      case 0:
        return lit(std::to_string(random_.below(50)) + "." + std::to_string(1 + random_.below(99)));
      case 1:
        return n(1 + random_.below(30)) / n(1 + random_.below(30));
      default:
        return n(1 + random_.below(20));
    }
  }

  TreeKind kind_;
  RandomStream random_;
};

/// Python, of what RandomTrees makes. Numbers are Q("..."), an exact fraction or one to many digits.
inline std::string to_python(const Expr& expr) {
  const auto arg = [&](std::size_t i) { return to_python(expr.args[i]); };
  const auto joined = [&](const char* sign) {
    std::string text = "(";
    for (std::size_t i = 0; i < expr.args.size(); ++i) text += (i == 0 ? "" : sign) + arg(i);
    return text + ")";
  };
  switch (expr.op) {
    case Op::number: {
      std::string digits = expr.digits;
      const auto places = static_cast<std::size_t>(expr.num_fraction_digits);
      if (places > 0) {
        if (digits.size() <= places) digits.insert(0, places + 1 - digits.size(), '0');
        digits.insert(digits.size() - places, ".");
      }
      return "Q(\"" + digits + "\")";
    }
    case Op::symbol:
      return expr.name;
    case Op::pi:
      return "pi";
    case Op::euler:
      return "exp(Q(1))";
    case Op::add:
      return joined("+");
    case Op::multiply:
      return joined("*");
    case Op::divide:
      return joined("/");
    case Op::power:
      return "power(" + arg(0) + "," + arg(1) + ")";
    case Op::negate:
      return "(-" + arg(0) + ")";
    case Op::root:
      return "sqrt(" + arg(0) + ")";
    case Op::exp:
      return "exp(" + arg(0) + ")";
    case Op::arctan:
      return "atan(" + arg(0) + ")";
    case Op::sin:
      return "sin(" + arg(0) + ")";
    case Op::cos:
      return "cos(" + arg(0) + ")";
    default:
      throw std::logic_error("to_python: operation " + std::to_string(static_cast<int>(expr.op)));
  }
}

}  // namespace reckon::testing
