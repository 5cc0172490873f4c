#pragma once

#include <string>

#include "reckon/lineage/lineage.h"

namespace reckon {

/// What is wrong with a lineage by itself, parents apart: `stages[1]: ...`; "" where nothing is.
[[nodiscard]] std::string lineage_problem(const Lineage& lineage);

}  // namespace reckon
