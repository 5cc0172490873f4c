#pragma once

#include <string_view>

#include "reckon/base/verdict.h"

namespace reckon {

/// Whether a predicted answer equals the gold answer. So far both are read as numbers: compare_numbers().
/// \param pred  the answer alone, see extract_answer().
[[nodiscard]] Grade grade_answer(std::string_view gold, std::string_view pred);

}  // namespace reckon
