#pragma once

#include <cstdint>
#include <optional>

#include "fold.h"

namespace reckon::exact {

/// The sum or product (op of `series`, with the body args[0] and the variable args[1]) over low..high, where
/// every term is a rational that fold() finds and the result has no more than kMaxBits.
[[nodiscard]] std::optional<Rational> rational_series(const Expr& series, std::int64_t low, std::int64_t high,
                                                      const Bindings& outer, Budget& budget);

}  // namespace reckon::exact
