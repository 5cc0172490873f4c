#pragma once

#include "recipe_table.h"
#include "reckon/learn/guard_config.h"

namespace reckon {

/// Checks what goes beyond the single settings of [guard]. An action without what it would follow is a
/// mistake.
void check_guard(const Table& table, const GuardConfig& guard);

}  // namespace reckon
