#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/base/describe.h"
#include "reckon/base/verdict.h"
#include "reckon/grade/extract.h"
#include "reckon/record/rollout.h"
#include "reckon/task/config.h"

namespace reckon {

/// Which problems a draw is from. A problem belongs to one side for ever: its id decides (split_of).
enum class Split { train, held_out };
constexpr auto enum_names(Split) {
  return std::array{EnumName{Split::train, "train"}, EnumName{Split::held_out, "held_out"}};
}

/// One problem of a task, with its reference solution.
struct Problem {
  std::string task;  ///< name of the task in the recipe
  std::int64_t level = 0;
  Split split = Split::train;
  std::uint64_t index = 0;
  std::uint64_t id = 0;  ///< problem_id(kind, canonical problem): the same for the same problem, always
  std::string prompt;
  std::string spec;    ///< what the verifier grades by, a JSON object
  std::string trace;   ///< <think>steps</think> and the answer in the task's form: <answer>...</answer>
  std::string direct;  ///< the answer in that form, behind a closed <think></think> where it needs one
  std::string answer;
  std::string source;        ///< "generated", or file:line
  std::string wrong_answer;  ///< where the task makes one with the problem: see Task::wrong_answer()
};

/// A grade with what it pays.
struct Graded {
  Grade grade = Grade::no_answer;
  double credit = 0;  ///< value of the accuracy term, in [0, 1]: 1 where the grade is equal, and only there
};

/// A source of problems with its verifier. Has no state but what it was made with: every call is a pure
/// function of its arguments.
class Task {
 public:
  Task() = default;
  virtual ~Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  /// Name of the task in the recipe.
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual TaskKind kind() const = 0;
  /// All levels of this kind, rising.
  [[nodiscard]] virtual std::vector<std::int64_t> levels() const = 0;
  /// Whether there are problems on a side of the split: a file may have none.
  [[nodiscard]] virtual bool has_problems(Split) const { return true; }
  /// How many problems a file has on a side of the split: problem() has each once at the indices below that;
  /// 0 for a generator.
  [[nodiscard]] virtual std::uint64_t num_file_problems(Split) const { return 0; }
  /// The characters of its prompts, traces and answers, in UTF-8, besides the R1 tags.
  [[nodiscard]] virtual std::string alphabet() const = 0;
  /// The problem at an index. Generated ones are independent draws, so a small level repeats problems; those
  /// of a file come in an order shuffled by the seed, each once in every pass through the file. \throws
  /// Error(usage) where the task has no such level, or no problem on that side of the split.
  [[nodiscard]] virtual Problem problem(std::int64_t level, Split split, std::uint64_t seed,
                                        std::uint64_t index) const = 0;
  /// Grades an answer by the rules in spec; never by comparing with a stored solution where there are other
  /// right ones. \param answer the answer alone, see extract_answer(). \throws Error(bad_data) where spec is
  /// malformed.
  [[nodiscard]] virtual Grade grade(std::string_view spec, std::string_view answer) const = 0;
  /// The same with what it pays: 1 or 0, but for a user's program, which may pay a part. \param completion
  /// the whole text that the answer stands in
  [[nodiscard]] virtual Graded graded(std::string_view spec, std::string_view answer,
                                      std::string_view completion) const;
  /// Most bytes of an answer that is graded: more is refused.
  [[nodiscard]] virtual std::size_t longest_answer() const { return kMaxAnswerBytes; }
  /// Whether the right answer by spec is a list: then one that stands in several boxes is graded as one text,
  /// Extracted::joined. \throws Error(bad_data) where spec is malformed.
  [[nodiscard]] virtual bool answer_is_list(std::string_view) const { return false; }
  /// An answer in the right form that is wrong, for tests of the verifier.
  [[nodiscard]] virtual std::string wrong_answer(const Problem& problem) const = 0;
  /// How many different problems the generator of a level has, both splits together; nothing for a file,
  /// whose problems are what they are, and for a generator with many more than kMinDistinctProblems that
  /// nobody has counted.
  [[nodiscard]] virtual std::optional<std::uint64_t> distinct_problems(std::int64_t level) const = 0;

  /// How completions give their answers: references are written so, and completions read so.
  [[nodiscard]] const AnswerConfig& answer_form() const { return answer_form_; }
  /// Said once, by make_task().
  void use_answer_form(const AnswerConfig& config) { answer_form_ = config; }

 private:
  AnswerConfig answer_form_;
};

/// The task of a [[task]] table. \throws Error(usage) where the kind has no such level or a path is missing
/// or too much; Error(missing_input), Error(bad_data) from the file of kind jsonl; Error(environment),
/// Error(bad_data) from a user's program, which is started and checked.
[[nodiscard]] std::unique_ptr<Task> make_task(const TaskConfig& config, const AnswerConfig& answer = {});

/// A task that grades answers and, where it needs no file for them, has problems: of a kind, under the kind's
/// name. \throws Error(usage) for kind command, which needs a program.
[[nodiscard]] std::unique_ptr<Task> make_verifier(TaskKind kind, const AnswerConfig& answer = {});

/// The first 8 bytes of SHA-256("<kind>\n<canonical problem>").
[[nodiscard]] std::uint64_t problem_id(TaskKind kind, std::string_view canonical_problem);

/// About 1 problem in 8 is held out. Depends on the id alone: no seed and no number of draws can bring a
/// training problem into an evaluation.
[[nodiscard]] Split split_of(std::uint64_t problem_id);

/// Fewest distinct problems of a generated level that may be evaluated (design, section 4).
inline constexpr std::uint64_t kMinDistinctProblems = 2048;

/// The first n distinct held-out problems of a level at seed 0: the same in every run.
/// \throws Error(usage) where the level has fewer than kMinDistinctProblems problems, or not n held-out ones.
[[nodiscard]] std::vector<Problem> held_out_set(const Task& task, std::int64_t level, std::size_t n);

/// The text of a completion as it is graded: what was generated and nothing else, but for the <think> that
/// the prompt opened for it, with the blanks that stand behind it there.
[[nodiscard]] std::string graded_text(const Prompt& prompt, const Completion& completion);

/// The grade of a whole completion, with what it pays: no_answer where it was cut off (an intermediate value
/// must not be paid) or holds no answer in the task's form, refused where the answer is too long, else the
/// verifier's word. \throws Error(bad_data) where spec is malformed.
[[nodiscard]] Graded graded_completion(const Task& task, std::string_view spec, std::string_view completion,
                                       FinishReason finish_reason);
/// The same for what extract_answer() found in a completion that was not cut off.
[[nodiscard]] Graded graded_extracted(const Task& task, std::string_view spec, const Extracted& extracted,
                                      std::string_view completion);
/// The grade alone.
[[nodiscard]] Grade grade_completion(const Task& task, std::string_view spec, std::string_view completion,
                                     FinishReason finish_reason);

}  // namespace reckon
