#pragma once

#include <filesystem>

namespace reckon {

/// Makes the folder of a new run.
/// \throws Error(environment) where it holds a run already; Error(io) where it cannot be made or written to.
void prepare_run_folder(const std::filesystem::path& folder);

}  // namespace reckon
