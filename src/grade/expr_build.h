#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "expr.h"

namespace reckon {

[[nodiscard]] Expr make_node(Op op, std::vector<Expr> args, std::string name = {});
[[nodiscard]] Expr make_integer(std::int64_t value);
[[nodiscard]] Expr make_difference(const Expr& a, const Expr& b);

/// The same tree, all of it: op, name, digits as written, order of args.
[[nodiscard]] bool same_tree(const Expr& a, const Expr& b);

/// The tree with every symbol `name` replaced by a value.
[[nodiscard]] Expr substitute(const Expr& expr, const std::string& name, const Expr& value);

}  // namespace reckon
