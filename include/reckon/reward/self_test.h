#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "reckon/task/task.h"

namespace reckon {

/// Before a run: prompt, references and grader must agree. A grader that fails in silence pays nothing to
/// everyone, or everything.
/// - On a few problems of each level: the answer comes back from the task's form; the reference trace and the
///   direct answer, behind a prompt with the sentence that asks for the form, are right and well formed; a
///   wrong answer is wrong, a trace that was cut off no answer, and the sentence said back is not right.
/// - Of a file: every gold is right against itself, and a changed one is not.
/// \throws Error(internal) where the grader is wrong; Error(usage) where the form cannot hold the answers;
///         Error(bad_data) naming file:line of the golds that are not right against themselves.
void check_grader(const Task& task, std::span<const std::int64_t> levels);

/// A completion that must be paid, and one that must not.
struct GraderProbe {
  std::string spec;
  std::string right;
  std::string wrong;
};

/// From the first problem of a level.
[[nodiscard]] GraderProbe make_probe(const Task& task, std::int64_t level);

/// The same question again, at every step: a grader may break in the middle of a run (a library's state, a
/// thread that lost its timer). \throws Error(internal) where the probe is not graded as it must be.
void check_probe(const Task& task, const GraderProbe& probe);

}  // namespace reckon
