#pragma once

#include <optional>
#include <string>
#include <vector>

#include "expr_build.h"

namespace reckon {

/// x = v, (p,q) = (3,2), |AB| = 1, x \in S, or a chain that ends in a value: what is named, and the value.
struct Assignment {
  std::optional<Expr> name;  ///< nothing where a chain of values has no name: 1/2 + 1/2 = 1
  Expr value;
  std::optional<Expr> rounded;  ///< what stands behind a last \approx: x = 1/3 \approx 0.33
};

/// Whether an expression can be the name of an answer: x, AB, a_3, f(2), |AB|, A:B, NO/BO, (x, y), words.
[[nodiscard]] bool is_name(const Expr& expr);

/// The assignment that a relation is; nothing where it is an equation (2x + z = 1) or no equality at all.
[[nodiscard]] std::optional<Assignment> as_assignment(const Expr& expr);

/// Whether the expression stands for several values: a list, a set, \pm, statements x = 1 or x = 2.
[[nodiscard]] bool is_collection(const Expr& expr);

/// The members of a collection, each \pm written out, lists within lists opened; of anything else itself.
[[nodiscard]] std::vector<Expr> members_of(const Expr& expr);

/// An expression with \pm as its two readings, all signs together (\mp against them); without, as it is.
[[nodiscard]] std::vector<Expr> sign_readings(const Expr& expr);

/// One pair of a chain of comparisons.
struct Comparison {
  Expr left;
  Relation relation = Relation::equal;
  Expr right;
};
/// a < b <= c as a < b and b <= c. \param expr  a relation
[[nodiscard]] std::vector<Comparison> comparisons_of(const Expr& expr);

[[nodiscard]] bool is_order(Relation relation);  ///< < <= > >=
[[nodiscard]] bool is_equality(
    Relation relation);  ///< = and what is written in its place: approximately, identical
[[nodiscard]] bool is_statement(const Expr& expr);  ///< relation, all_of, any_of, not_of
/// Why an expression has no value: it divides by the number 0, or calculates with infinity. Empty where
/// neither.
[[nodiscard]] std::string without_value(const Expr& expr);
/// Whether a symbol, a call or words stand anywhere in it.
[[nodiscard]] bool has_names(const Expr& expr);

}  // namespace reckon
