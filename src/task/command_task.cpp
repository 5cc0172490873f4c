#include <algorithm>
#include <memory>
#include <set>

#include "generated_task.h"
#include "program_grader.h"
#include "reckon/base/error.h"
#include "reckon/grade/answer_form.h"
#include "reckon/grade/extract.h"
#include "reckon/text/json.h"
#include "reckon/text/utf8.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// Draws after which a program is given up: that many in a row on the wrong side of the split have
/// probability (7/8)^1000.
constexpr std::uint64_t kMaxDraws = 1000;
/// Draws in a row with one prompt after which a program is taken not to look at the number of the draw.
constexpr std::uint64_t kMaxEqualDraws = 64;
/// Problems that a program is asked for more than once before a run.
constexpr std::size_t kProbes = 8;

/// What a program is asked for.
struct Question {
  std::int64_t level = 0;
  Split split = Split::train;
  std::uint64_t seed = 0;
  std::uint64_t index = 0;
  std::uint64_t draw = 0;

  [[nodiscard]] std::string text() const {
    return "level " + std::to_string(level) + ", split " + std::string(enum_name(split)) + ", seed " +
           std::to_string(seed) + ", index " + std::to_string(index) + ", draw " + std::to_string(draw);
  }
};

/// \throws Error(bad_data) where a text of a problem is missing or cannot be used.
void check_text(const json& reply, const char* key, bool may_be_empty) {
  const std::string& text = json_string(reply, key, "gave a problem");
  const std::string name = std::string("gave a problem: \"") + key + "\"";
  if (!may_be_empty && trim_blanks(text).empty()) throw Error(ExitCode::bad_data, name + " is empty");
  if (const std::string_view tag = tag_in(text); !tag.empty()) {
    throw Error(ExitCode::bad_data,
                name + " holds the tag " + std::string(tag) + ", which marks completions");
  }
}

/// What is wrong with a problem, or "".
std::string check_problem_reply(const json& reply) {
  static const std::set<std::string> kKeys = {"prompt", "spec", "answer", "wrong_answer", "steps"};
  for (const auto& [key, value] : reply.items()) {
    if (!kKeys.contains(key))
      return "gave a problem: unknown key " + in_quotes(key) +
             " (known: prompt, spec, answer, wrong_answer, steps)";
  }
  try {
    for (const char* key : {"prompt", "answer", "wrong_answer"}) check_text(reply, key, false);
    if (reply.contains("steps")) check_text(reply, "steps", true);
  } catch (const Error& error) {
    return error.what();
  }
  for (const char* key : {"answer", "wrong_answer"}) {
    const auto& text = reply.at(key).get_ref<const std::string&>();
    if (trim_blanks(text).size() != text.size())
      return std::string("gave a problem: \"") + key + "\" is " + in_quotes(text) +
             " (need no blanks around it)";
  }
  const auto spec = reply.find("spec");
  if (spec == reply.end() || !spec->is_object())
    return "gave a problem: no object \"spec\" (need what the program is to grade by; {} for nothing)";
  return {};
}

/// The levels of a program's first line.
std::vector<std::int64_t> levels_of(const json& hello, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ExitCode::bad_data, where + ": its first line has " + what +
                                        " (need \"levels\": whole numbers from 1 to 100, rising)");
  };
  const auto found = hello.find("levels");
  if (found == hello.end()) fail("no \"levels\"");
  std::vector<std::int64_t> levels;
  for (const json& level : *found) {
    const bool is_good = found->is_array() && level.is_number_integer() && level >= 1 && level <= 100 &&
                         (levels.empty() || level > levels.back());
    if (!is_good) fail("\"levels\": " + found->dump(-1, ' ', true).substr(0, 100));
    levels.push_back(level.get<std::int64_t>());
  }
  if (levels.empty()) fail("\"levels\": " + found->dump(-1, ' ', true).substr(0, 100));
  return levels;
}

std::string alphabet_of(const json& hello, const std::string& where) {
  if (!hello.contains("alphabet")) return english_alphabet();
  const std::string alphabet = json_string(hello, "alphabet", where + ": its first line");
  (void)utf8_to_code_points(alphabet, where + ": \"alphabet\"");
  return alphabet;
}

class CommandTask final : public Task {
 public:
  CommandTask(std::string name, const SourceConfig& source)
      : name_(std::move(name)),
        problem_seconds_(source.problem_seconds),
        program_(std::make_shared<ExternalProgram>(source, "task \"" + name_ + "\"")),
        grader_(program_, source.grade_seconds),
        levels_(levels_of(program_->hello(), program_->where())),
        alphabet_(alphabet_of(program_->hello(), program_->where())) {
    check_program();
  }

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] TaskKind kind() const override { return TaskKind::command; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return levels_; }
  [[nodiscard]] std::string alphabet() const override { return alphabet_; }

  [[nodiscard]] Problem problem(std::int64_t level, Split split, std::uint64_t seed,
                                std::uint64_t index) const override;

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    return graded(spec, answer, answer_in_form(answer_form().form, answer)).grade;
  }
  [[nodiscard]] Graded graded(std::string_view spec, std::string_view answer,
                              std::string_view completion) const override {
    return grader_.graded(spec, answer, completion);
  }
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    return problem.wrong_answer;
  }
  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    return std::nullopt;
  }

 private:
  [[nodiscard]] ProgramReply ask(const Question& question) const;
  [[nodiscard]] json reply_to(const Question& question) const;
  void check_program() const;
  void check_same(const std::vector<Question>& questions, const std::vector<json>& replies,
                  const std::string& when, const std::string& hint) const;

  std::string name_;
  double problem_seconds_;
  std::shared_ptr<ExternalProgram> program_;
  ProgramGrader grader_;
  std::vector<std::int64_t> levels_;
  std::string alphabet_;
};

ProgramReply CommandTask::ask(const Question& question) const {
  const ordered_json request = {
      {"op", "problem"},       {"level", question.level}, {"split", enum_name(question.split)},
      {"seed", question.seed}, {"index", question.index}, {"draw", question.draw}};
  return program_->ask(request, problem_seconds_, check_problem_reply);
}

json CommandTask::reply_to(const Question& question) const {
  ProgramReply reply = ask(question);
  if (reply.outcome != ProgramOutcome::answered) reply = ask(question);  // of a fresh process
  if (reply.outcome == ProgramOutcome::answered) return std::move(reply.value);
  throw Error(ExitCode::bad_data, program_->where() + ": asked twice for the problem of " + question.text() +
                                      ", it " + reply.reason);
}

Problem CommandTask::problem(std::int64_t level, Split split, std::uint64_t seed, std::uint64_t index) const {
  check_level(*this, level);
  Question question{level, split, seed, index, 0};
  std::string first_prompt;
  bool all_equal = true;
  for (; question.draw < kMaxDraws; ++question.draw) {
    const json reply = reply_to(question);
    Problem problem;
    problem.prompt = reply.at("prompt").get<std::string>();
    if (question.draw == 0) first_prompt = problem.prompt;
    all_equal = all_equal && problem.prompt == first_prompt;
    problem.id = problem_id(kind(), problem.prompt);
    if (split_of(problem.id) == split) {
      problem.spec = reply.at("spec").dump();
      problem.answer = reply.at("answer").get<std::string>();
      problem.wrong_answer = reply.at("wrong_answer").get<std::string>();
      problem.task = name_;
      problem.level = level;
      problem.split = split;
      problem.index = index;
      problem.source = "generated";
      write_completions(answer_form(), problem, reply.value("steps", ""));
      return problem;
    }
    if (all_equal && question.draw + 1 == kMaxEqualDraws) {
      throw Error(ExitCode::bad_data, program_->where() + ": every draw up to that of " + question.text() +
                                          " is " + in_quotes(first_prompt) +
                                          " (need another problem for each draw). Does it use \"draw\"?");
    }
  }
  throw Error(ExitCode::bad_data, program_->where() + ": no problem on the " + std::string(enum_name(split)) +
                                      " side in all draws up to that of " + question.text());
}

void CommandTask::check_program() const {
  std::vector<Question> questions;
  std::vector<json> replies;
  std::vector<GradeProbe> probes;
  for (std::size_t i = 0; i < kProbes; ++i) {
    questions.push_back({.level = levels_[i % levels_.size()], .index = i / levels_.size()});
    const ProgramReply reply = ask(questions.back());
    if (reply.outcome != ProgramOutcome::answered) {
      throw Error(ExitCode::bad_data, program_->where() + ": asked for the problem of " +
                                          questions.back().text() + ", it " + reply.reason);
    }
    replies.push_back(reply.value);
    const auto text = [&](const char* key) { return reply.value.at(key).get<std::string>(); };
    probes.push_back({text("prompt"), reply.value.at("spec").dump(), text("answer"), text("wrong_answer")});
  }
  check_same(questions, replies, "asked again in another order",
             "Does it keep a generator from one request to the next?");
  grader_.check(probes);  // goes over to a fresh process
  check_same(questions, replies, "in a fresh process",
             "Does it use hash(), the time, or a generator without a seed?");
}

void CommandTask::check_same(const std::vector<Question>& questions, const std::vector<json>& replies,
                             const std::string& when, const std::string& hint) const {
  for (std::size_t i = questions.size(); i-- > 0;) {
    const json again = reply_to(questions[i]);
    if (again == replies[i]) continue;
    const auto differs = std::find_if(again.items().begin(), again.items().end(), [&](const auto& item) {
      return !replies[i].contains(item.key()) || replies[i].at(item.key()) != item.value();
    });
    const std::string key = differs == again.items().end() ? "steps" : differs.key();
    throw Error(ExitCode::bad_data,
                program_->where() + ": the " + key + " of " + questions[i].text() + " is " +
                    replies[i].value(key, json()).dump() + " and, " + when + ", " +
                    again.value(key, json()).dump() +
                    " (need a problem that is a function of level, split, seed, index and draw). " + hint);
  }
}

}  // namespace

std::unique_ptr<Task> make_command_task(std::string name, const SourceConfig& source) {
  return std::make_unique<CommandTask>(std::move(name), source);
}

}  // namespace reckon
