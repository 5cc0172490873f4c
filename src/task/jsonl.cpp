#include "reckon/task/jsonl.h"

#include <algorithm>
#include <set>

#include "generated_task.h"
#include "program_grader.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"
#include "reckon/grade/answer_form.h"
#include "reckon/grade/grade.h"
#include "reckon/text/json.h"
#include "reckon/text/tokenizer.h"
#include "reckon/text/utf8.h"

namespace reckon {
namespace {

/// Position -> position, a bijection of [0, count) for each key: a Feistel network of four rounds over the
/// next even number of bits, repeated until the result is inside.
std::uint64_t shuffled_position(std::uint64_t position, std::uint64_t count, std::uint64_t key) {
  unsigned half_bits = 1;
  while ((std::uint64_t{1} << (2 * half_bits)) < count) ++half_bits;
  const std::uint64_t mask = (std::uint64_t{1} << half_bits) - 1;
  do {
    std::uint64_t left = position >> half_bits;
    std::uint64_t right = position & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint64_t mixed = left ^ (mix64(key, round, right) & mask);
      left = right;
      right = mixed;
    }
    position = (left << half_bits) | right;
  } while (position >= count);
  return position;
}

class JsonlTask final : public Task {
 public:
  JsonlTask(std::string name, std::string path, FileSplit split, const ProgramConfig& grader)
      : name_(std::move(name)), path_(std::move(path)) {
    if (path_.empty()) return;
    const bool has_program = !grader.command.empty();
    JsonlProblems file = load_jsonl(path_, has_program ? GoldCheck::none : GoldCheck::graded);
    if (file.num_duplicates > 0) {
      log_warning(path_ + ": " + std::to_string(file.num_duplicates) + " duplicate problem(s) left out");
    }
    problems_ = std::move(file.problems);
    for (std::size_t i = 0; i < problems_.size(); ++i) {
      const std::uint64_t id = problem_id(TaskKind::jsonl, problems_[i].question);
      const bool train = split == FileSplit::hash ? split_of(id) == Split::train : split == FileSplit::train;
      (train ? train_ : held_out_).push_back(i);
    }
    if (has_program) start_program(grader);
  }

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] TaskKind kind() const override { return TaskKind::jsonl; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1}; }

  [[nodiscard]] bool has_problems(Split split) const override {
    return !(split == Split::train ? train_ : held_out_).empty();
  }

  [[nodiscard]] std::uint64_t num_file_problems(Split split) const override {
    return (split == Split::train ? train_ : held_out_).size();
  }

  [[nodiscard]] std::string alphabet() const override {
    std::set<char32_t> characters;
    for (const JsonlProblem& problem : problems_) {
      for (const std::string* text : {&problem.question, &problem.reasoning, &problem.gold}) {
        for (const char32_t code_point : utf8_to_code_points(*text, path_)) characters.insert(code_point);
      }
    }
    std::string text;
    for (const char32_t code_point : characters) append_utf8(text, code_point);
    return text;
  }

  [[nodiscard]] Problem problem(std::int64_t level, Split split, std::uint64_t seed,
                                std::uint64_t index) const override {
    check_level(*this, level);
    const auto& side = split == Split::train ? train_ : held_out_;
    if (side.empty()) {
      throw Error(ExitCode::usage, "task \"" + name_ + "\": " + (path_.empty() ? "no file" : path_) +
                                       " has no " + std::string(enum_name(split)) + " problem");
    }
    const std::uint64_t pass = index / side.size();
    const std::uint64_t key =
        mix64(seed, static_cast<std::uint64_t>(kind()), static_cast<std::uint64_t>(split), pass);
    const JsonlProblem& found = problems_[side[shuffled_position(index % side.size(), side.size(), key)]];
    Problem problem;
    problem.task = name_;
    problem.level = level;
    problem.split = split;
    problem.index = index;
    problem.id = problem_id(kind(), found.question);
    problem.prompt = found.question;
    problem.spec = spec_of(found);
    problem.answer = found.gold;
    problem.source = path_ + ":" + std::to_string(found.line);
    write_completions(answer_form(), problem, found.reasoning);
    return problem;
  }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    if (program_) return graded(spec, answer, answer_in_form(answer_form().form, answer)).grade;
    return grade_answer(gold_of(spec), answer);
  }

  [[nodiscard]] bool answer_is_list(std::string_view spec) const override {
    return !program_ && is_list_answer(gold_of(spec));
  }

  [[nodiscard]] Graded graded(std::string_view spec, std::string_view answer,
                              std::string_view completion) const override {
    return program_ ? program_->graded(spec, answer, completion) : Task::graded(spec, answer, completion);
  }

  /// One digit more: 18 -> 181, 0 -> 01, 18. -> 18.1, 3/4 -> 3/41; 1,000 -> 1,0001, which is no number.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    return problem.answer + "1";
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    return std::nullopt;
  }

 private:
  static std::string gold_of(std::string_view spec) {
    constexpr std::string_view kWhere = "jsonl: spec";
    const nlohmann::json rules = parse_json(spec, kWhere);
    if (!rules.is_object()) throw Error(ExitCode::bad_data, "jsonl: spec is no JSON object");
    return json_string(rules, "gold", kWhere);
  }

  /// What the verifier grades by: a program gets the other keys of the line too.
  [[nodiscard]] std::string spec_of(const JsonlProblem& problem) const {
    nlohmann::json spec = {{"gold", problem.gold}};
    if (program_) spec.update(nlohmann::json::parse(problem.other_keys));
    return spec.dump();
  }

  void start_program(const ProgramConfig& config) {
    constexpr std::size_t kProbes = 8;
    auto program = std::make_shared<ExternalProgram>(config, "task \"" + name_ + "\"");
    program_ = std::make_unique<ProgramGrader>(std::move(program), config.grade_seconds);
    std::vector<GradeProbe> probes;
    for (std::size_t i = 0; i < std::min(kProbes, problems_.size()); ++i) {
      const JsonlProblem& problem = problems_[i];
      probes.push_back({problem.question, spec_of(problem), problem.gold, problem.gold + "1"});
    }
    program_->check(probes);
  }

  std::string name_;
  std::string path_;
  std::unique_ptr<ProgramGrader> program_;  ///< null: the answers are compared
  std::vector<JsonlProblem> problems_;
  std::vector<std::size_t> train_;
  std::vector<std::size_t> held_out_;
};

}  // namespace

std::unique_ptr<Task> make_jsonl_task(std::string name, const std::string& path, FileSplit split,
                                      const ProgramConfig& grader) {
  return std::make_unique<JsonlTask>(std::move(name), path, split, grader);
}

}  // namespace reckon
