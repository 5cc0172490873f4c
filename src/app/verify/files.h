#pragma once

#include <filesystem>

#include "report.h"

namespace reckon {

/// Checks the files of a run against each other and against its hash chain, without a model.
void verify_files(const std::filesystem::path& run, VerifyReport& report);

}  // namespace reckon
