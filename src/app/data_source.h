#pragma once

#include <string>

#include "reckon/task/config.h"

namespace reckon {

/// What the problems of a task come from, as a run's chain has it: the SHA-256 of a file, the words of a
/// program, or "generated". \throws Error(io) where the file cannot be read
[[nodiscard]] std::string data_source(const TaskConfig& task);

}  // namespace reckon
