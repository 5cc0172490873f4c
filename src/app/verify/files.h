#pragma once

#include <filesystem>

#include "report.h"

namespace reckon {

/// Checks everything in a run's folder against its hash chain: recipe, data, rollout logs, checkpoints,
/// metrics, summary and lineage. Computes no model, and changes nothing. A fault is named as exactly as it
/// can be: file, stage, step, group, sample, field. Of a run that was interrupted all that is there is
/// checked, and what a crash leaves is a note. docs/verify.md lists what is compared, and what nothing
/// vouches for. \param run  the folder \throws Error(missing_input) where there is no such folder. All else
/// that goes wrong is in the report.
void verify_files(const std::filesystem::path& run, VerifyReport& report);

}  // namespace reckon
