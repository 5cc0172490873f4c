#pragma once

#include <string>
#include <vector>

#include "reckon/base/philox.h"
#include "reckon/task/task.h"

namespace reckon {

/// A task whose problems are drawn at random. The canonical form of a problem is its prompt: the generators
/// write each problem in one way only.
class GeneratedTask : public Task {
 public:
  explicit GeneratedTask(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] const std::string& name() const final { return name_; }
  [[nodiscard]] Problem problem(std::int64_t level, Split split, std::uint64_t seed,
                                std::uint64_t index) const final;

 protected:
  /// The prompt of a random problem, uniform over the level's problems.
  [[nodiscard]] virtual std::string draw(std::int64_t level, RandomStream& random) const = 0;
  /// Fills spec, answer and trace of a problem whose prompt is given; `steps` goes between the think tags.
  [[nodiscard]] virtual std::string solve(Problem& problem) const = 0;

 private:
  std::string name_;
};

/// \throws Error(usage) where the task has no such level.
void check_level(const Task& task, std::int64_t level);

/// Sets trace and direct from the steps and the answer.
void write_completions(Problem& problem, std::string_view steps);

[[nodiscard]] std::unique_ptr<Task> make_arithmetic_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_knights_task(std::string name);
/// \param path  empty: a task that only grades.
[[nodiscard]] std::unique_ptr<Task> make_jsonl_task(std::string name, const std::string& path, FileSplit split);

}  // namespace reckon
