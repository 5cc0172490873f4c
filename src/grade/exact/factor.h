#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "flint_types.h"

namespace reckon::exact {

/// n >= 1 as a product of powers of different integers >= 2, ascending. They are primes where n has only
/// prime factors below 10^3 and one more that is below 2^64; a larger cofactor is split no further than into
/// equal factors (its root).
[[nodiscard]] std::vector<std::pair<Integer, std::int64_t>> factor(const fmpz* n);

}  // namespace reckon::exact
