#pragma once

#include <string>
#include <vector>

#include "reckon/base/philox.h"
#include "reckon/task/task.h"

namespace reckon {

/// A problem as a generator makes it.
struct Draft {
  std::string prompt;
  std::string spec;    ///< JSON object
  std::string answer;  ///< the reference solution
  std::string steps;   ///< between the think tags of the reference trace
};

/// A task whose problems are drawn at random. The canonical form of a problem is its prompt: the generators
/// write each problem in one way only.
class GeneratedTask : public Task {
 public:
  explicit GeneratedTask(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] const std::string& name() const final { return name_; }
  [[nodiscard]] Problem problem(std::int64_t level, Split split, std::uint64_t seed,
                                std::uint64_t index) const final;

 protected:
  /// A random problem of the level. May leave all but the prompt to complete(), which is called only where
  /// the problem is on the wanted side of the split.
  [[nodiscard]] virtual Draft draw(std::int64_t level, RandomStream& random) const = 0;
  /// Fills spec, answer and steps from the prompt, for generators whose draw() does not.
  virtual void complete(Draft&) const {}

 private:
  std::string name_;
};

/// The printable characters of ASCII and the line feed: alphabet() of tasks whose prompts are English.
[[nodiscard]] std::string english_alphabet();

/// \throws Error(usage) where the task has no such level.
void check_level(const Task& task, std::int64_t level);

/// The first of the tags that mark a completion's parts that the text holds, or "".
[[nodiscard]] std::string_view tag_in(std::string_view text);

/// Sets trace and direct from the steps and the answer, in a form.
void write_completions(const AnswerConfig& form, Problem& problem, std::string_view steps);

/// The task of a kind that makes its problems itself: the table of them is in task_kinds.cpp.
/// \throws Error(internal) for any other kind.
[[nodiscard]] std::unique_ptr<Task> make_generated_task(TaskKind kind, std::string name);

[[nodiscard]] std::unique_ptr<Task> make_arithmetic_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_knights_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_countdown_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_game24_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_mini_sudoku_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_sudoku_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_futoshiki_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_n_queens_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_hanoi_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_cryptarithm_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_shortest_path_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_graph_colouring_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_prerequisites_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_zebra_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_entailment_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_sat_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_circuit_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_syllogism_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_calendar_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_family_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_base_conversion_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_modular_chain_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_linear_equations_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_multiplication_task(std::string name);
[[nodiscard]] std::unique_ptr<Task> make_word_problem_task(std::string name);
/// \param path    empty: a task that only grades.
/// \param grader  with a command: the program that grades.
[[nodiscard]] std::unique_ptr<Task> make_jsonl_task(std::string name, const std::string& path,
                                                    FileSplit split, const ProgramConfig& grader);
[[nodiscard]] std::unique_ptr<Task> make_command_task(std::string name, const SourceConfig& source);

}  // namespace reckon
