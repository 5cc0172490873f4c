#pragma once

#include "expr.h"

namespace reckon {

/// Whether a matrix stands anywhere in a value.
[[nodiscard]] bool has_matrix(const Expr& expr);

/// Sums, differences, products and multiples of matrices as one matrix of scalar expressions, where the
/// shapes fit; else the expression as it is.
[[nodiscard]] Expr fold_matrices(const Expr& expr);

}  // namespace reckon
