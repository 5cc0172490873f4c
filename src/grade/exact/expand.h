#pragma once

#include <cstddef>
#include <optional>

#include "pool.h"

namespace reckon::exact {

/// Numerator and denominator of an expression over its atoms (symbols, surds, pi, functions, opaque nodes),
/// both multiplied out, with surds in normal form and sin^2 written as 1 - cos^2.
struct Fraction {
  NodeId numerator;
  NodeId denominator;
};

struct ExpandLimits {
  std::size_t max_terms = 400;        ///< of one polynomial
  std::size_t max_products = 20'000;  ///< of two terms, in all
};

/// Nothing where a limit is met, or a part is undefined.
[[nodiscard]] std::optional<Fraction> together(Pool& pool, NodeId node, const ExpandLimits& limits = {});

/// Proves that a value is 0: its numerator multiplies out to nothing, and its denominator is no zero.
[[nodiscard]] bool expands_to_zero(Pool& pool, NodeId node);

/// Whether a denominator that together() found is shown not to be zero.
[[nodiscard]] bool is_nonzero_denominator(Pool& pool, NodeId denominator);

}  // namespace reckon::exact
