#pragma once

#include "pool.h"

namespace reckon::exact {

enum class Outcome : std::uint8_t { zero, nonzero, unknown, refused };

/// Whether a rational function over Q (is_rational) is 0, by its values modulo two secret 61-bit primes at
/// two points each. `nonzero` is proved; `zero` is wrong with a probability below (degree / 2^60)^4:
/// Schwartz, "Fast probabilistic algorithms for verification of polynomial identities", JACM 27 (1980).
/// Nothing is multiplied out: (a + ... + g)^40 costs seven values and a power. \return refused above a degree
/// of 10^6.
[[nodiscard]] Outcome zero_modulo_primes(Pool& pool, NodeId node);

/// Whether a - b = 0 for expressions in variables, by balls at 12 rational points for each pattern of signs
/// of (up to 3) variables, from (0, 1), (1, 10) and (-10, 0); with conjugates also at complex points.
/// grading.md, section 2.4, item 6. `nonzero` is proved. `zero` is not: it says that both sides are defined
/// and agree to 2^-200 at 8 points or more, are nowhere seen to differ, and never is just one of them
/// defined.
[[nodiscard]] Outcome zero_at_points(Pool& pool, NodeId a, NodeId b);

}  // namespace reckon::exact
