#pragma once

#include <filesystem>
#include <string>

namespace reckon {

/// Where a run writes: `--out` where it was given, else runs/<name> below the current folder.
/// \throws Error(environment) where the folder holds another finished or unfinished run.
std::filesystem::path prepare_run_folder(const std::string& out, const std::string& run_name);

}  // namespace reckon
