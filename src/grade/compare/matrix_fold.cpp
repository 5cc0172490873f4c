#include "matrix_fold.h"

#include <algorithm>
#include <optional>

#include "expr_build.h"

namespace reckon {
namespace {

/// A product of n matrices doubles its tree n times: above this many nodes it stays as it is.
constexpr std::size_t kMaxNodes = 20'000;

std::size_t num_nodes(const Expr& expr) {
  std::size_t count = 1;
  for (const Expr& arg : expr.args) count += num_nodes(arg);
  return count;
}

std::size_t num_rows(const Expr& matrix) {
  return matrix.num_columns == 0 ? 0 : matrix.args.size() / static_cast<std::size_t>(matrix.num_columns);
}

std::optional<Expr> sum_of(Expr a, const Expr& b) {
  if (a.num_columns != b.num_columns || a.args.size() != b.args.size()) return std::nullopt;
  for (std::size_t i = 0; i < a.args.size(); ++i) a.args[i] = make_node(Op::add, {a.args[i], b.args[i]});
  return a;
}

Expr multiple_of(Expr matrix, const Expr& factor) {
  for (Expr& element : matrix.args) element = make_node(Op::multiply, {factor, std::move(element)});
  return matrix;
}

std::optional<Expr> product_of(const Expr& a, const Expr& b) {
  const auto inner = static_cast<std::size_t>(a.num_columns);
  const auto columns = static_cast<std::size_t>(b.num_columns);
  if (inner != num_rows(b) || num_nodes(a) * columns + num_nodes(b) * num_rows(a) > kMaxNodes)
    return std::nullopt;
  Expr result = b;
  result.args.clear();
  for (std::size_t i = 0; i < num_rows(a); ++i) {
    for (std::size_t j = 0; j < columns; ++j) {
      std::vector<Expr> terms;
      for (std::size_t k = 0; k < inner; ++k) {
        terms.push_back(make_node(Op::multiply, {a.args[i * inner + k], b.args[k * columns + j]}));
      }
      result.args.push_back(make_node(Op::add, std::move(terms)));
    }
  }
  return result;
}

std::optional<Expr> fold_sum(const std::vector<Expr>& terms) {
  std::optional<Expr> sum;
  for (const Expr& term : terms) {
    if (term.op != Op::matrix) return std::nullopt;
    sum = sum ? sum_of(std::move(*sum), term) : term;
    if (!sum) return std::nullopt;
  }
  return sum;
}

std::optional<Expr> fold_product(const std::vector<Expr>& factors) {
  std::optional<Expr> matrix;
  std::vector<Expr> scalars;
  for (const Expr& factor : factors) {
    if (factor.op != Op::matrix) {
      scalars.push_back(factor);
      continue;
    }
    matrix = matrix ? product_of(*matrix, factor) : factor;
    if (!matrix) return std::nullopt;
  }
  if (!matrix || scalars.empty()) return matrix;
  return multiple_of(std::move(*matrix), scalars.size() == 1 ? scalars[0] : make_node(Op::multiply, scalars));
}

}  // namespace

bool has_matrix(const Expr& expr) {
  return expr.op == Op::matrix ||
         (expr.op <= Op::quantity && std::any_of(expr.args.begin(), expr.args.end(), has_matrix));
}

Expr fold_matrices(const Expr& expr) {
  if (!has_matrix(expr) || expr.op == Op::matrix) return expr;
  Expr folded = expr;
  for (Expr& arg : folded.args) arg = fold_matrices(arg);
  std::optional<Expr> result;
  if (folded.op == Op::add) result = fold_sum(folded.args);
  if (folded.op == Op::multiply) result = fold_product(folded.args);
  if (folded.op == Op::negate && folded.args[0].op == Op::matrix) {
    result = multiple_of(folded.args[0], make_integer(-1));
  }
  if (folded.op == Op::divide && folded.args[0].op == Op::matrix && folded.args[1].op != Op::matrix) {
    result = multiple_of(folded.args[0], make_node(Op::divide, {make_integer(1), folded.args[1]}));
  }
  return result ? *result : folded;
}

}  // namespace reckon
