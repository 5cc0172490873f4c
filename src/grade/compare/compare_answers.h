#pragma once

#include "compare_scalars.h"
#include "expr.h"
#include "reckon/grade/grade.h"

namespace reckon {

/// Compares two parsed answers; the gold decides what kind of answer is asked for (grading.md, section 2.3).
[[nodiscard]] Equality compare_answers(const Expr& gold, const Expr& pred, const GradeOptions& options);

/// What a conjunction of comparisons comes to: different as soon as one is, else the worst of what is not
/// equal.
[[nodiscard]] Equality both(Equality a, Equality b);

}  // namespace reckon
