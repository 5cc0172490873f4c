#include "reckon/task/jsonl.h"

#include <fstream>
#include <map>
#include <set>

#include "generated_task.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"
#include "reckon/grade/extract.h"
#include "reckon/grade/grade.h"
#include "reckon/grade/number.h"
#include "reckon/text/json.h"
#include "reckon/text/tokenizer.h"
#include "reckon/text/utf8.h"

namespace reckon {
namespace {

JsonlProblem read_problem(const nlohmann::json& value, const std::string& where) {
  JsonlProblem problem;
  problem.question = json_string(value, "question", where);
  if (trim_blanks(problem.question).empty())
    throw Error(ExitCode::bad_data, where + ": \"question\" is empty");
  const std::string& answer = json_string(value, "answer", where);
  const std::size_t mark = answer.rfind("####");
  if (mark == std::string::npos) {
    throw Error(ExitCode::bad_data, where + ": \"answer\" has no #### (need the final answer after it)");
  }
  problem.gold = trim_blanks(std::string_view(answer).substr(mark + 4));
  ExactNumber number;
  if (parse_number(problem.gold, number) != NumberSyntax::number) {
    throw Error(ExitCode::bad_data,
                where + ": \"" + problem.gold.substr(0, 80) + "\" after #### is not a number (need one)");
  }
  problem.reasoning = trim_blanks(without_calculator_marks(std::string_view(answer).substr(0, mark)));
  for (const std::string_view tag : {kThinkOpen, kThinkClose, kAnswerOpen, kAnswerClose}) {
    if (answer.find(tag) != std::string::npos || problem.question.find(tag) != std::string::npos) {
      throw Error(ExitCode::bad_data,
                  where + ": the text holds the tag " + std::string(tag) + ", which marks completions");
    }
  }
  return problem;
}

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
  JsonlTask(std::string name, std::string path, FileSplit split)
      : name_(std::move(name)), path_(std::move(path)) {
    if (path_.empty()) return;
    JsonlProblems file = load_jsonl(path_);
    if (file.num_duplicates > 0) {
      log_warning(path_ + ": " + std::to_string(file.num_duplicates) + " duplicate problem(s) left out");
    }
    problems_ = std::move(file.problems);
    for (std::size_t i = 0; i < problems_.size(); ++i) {
      const std::uint64_t id = problem_id(TaskKind::jsonl, problems_[i].question);
      const bool train = split == FileSplit::hash ? split_of(id) == Split::train : split == FileSplit::train;
      (train ? train_ : held_out_).push_back(i);
    }
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
    problem.spec = nlohmann::json{{"gold", found.gold}}.dump();
    problem.answer = found.gold;
    problem.source = path_ + ":" + std::to_string(found.line);
    write_completions(answer_form(), problem, found.reasoning);
    return problem;
  }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    constexpr std::string_view kWhere = "jsonl: spec";
    const nlohmann::json rules = parse_json(spec, kWhere);
    if (!rules.is_object()) throw Error(ExitCode::bad_data, "jsonl: spec is no JSON object");
    return grade_answer(json_string(rules, "gold", kWhere), answer);
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
  std::string name_;
  std::string path_;
  std::vector<JsonlProblem> problems_;
  std::vector<std::size_t> train_;
  std::vector<std::size_t> held_out_;
};

}  // namespace

std::string without_calculator_marks(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t open = text.find("<<");
    const std::size_t close = open == std::string_view::npos ? open : text.find(">>", open);
    if (close == std::string_view::npos) break;
    result += text.substr(0, open);
    text.remove_prefix(close + 2);
  }
  return result.append(text);
}

JsonlProblems load_jsonl(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) {
    throw Error(ExitCode::missing_input, path.string() + ": cannot be read (need a file of JSON lines)");
  }
  JsonlProblems file;
  std::map<std::string, std::size_t> seen;  // question -> place in problems
  std::size_t line = 0;
  read_json_lines(in, path.string(), [&](const nlohmann::json& value, const std::string& where) {
    JsonlProblem problem = read_problem(value, where);
    problem.line = ++line;
    const auto [before, is_new] = seen.emplace(problem.question, file.problems.size());
    if (is_new) {
      file.problems.push_back(std::move(problem));
      return;
    }
    const JsonlProblem& first = file.problems[before->second];
    if (grade_answer(first.gold, problem.gold) != Grade::equal) {
      throw Error(ExitCode::bad_data, where + ": the question of line " + std::to_string(first.line) +
                                          " with gold " + problem.gold + " in place of " + first.gold +
                                          " (need one gold)");
    }
    ++file.num_duplicates;
  });
  if (file.problems.empty())
    throw Error(ExitCode::bad_data, path.string() + ": the file is empty (need a problem a line)");
  return file;
}

std::unique_ptr<Task> make_jsonl_task(std::string name, const std::string& path, FileSplit split) {
  return std::make_unique<JsonlTask>(std::move(name), path, split);
}

}  // namespace reckon
