#pragma once

#include <unordered_map>

#include "pool.h"

namespace reckon::exact {

using Replacements = std::unordered_map<NodeId, NodeId>;

/// The expression with nodes replaced (symbols and opaque nodes), in normal form.
[[nodiscard]] NodeId substitute(Pool& pool, NodeId node, const Replacements& replacements);

}  // namespace reckon::exact
