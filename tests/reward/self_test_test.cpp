#include "reckon/reward/self_test.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "reckon/base/error.h"
#include "support/paths.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Task& arithmetic() {
  static const auto task = make_verifier(TaskKind::arithmetic);
  return *task;
}

/// The error of a check, as "code: message".
template <class Check>
std::string failure_of(Check check) {
  try {
    check();
  } catch (const Error& error) {
    return std::to_string(static_cast<int>(error.code())) + ": " + error.what();
  }
  return "none";
}

TEST(CheckGrader, PassesOurTasksInEachForm) {
  for (const TaskKind kind : {TaskKind::arithmetic, TaskKind::knights}) {
    for (const auto& [form, name] : enum_names(AnswerForm{})) {
      for (const char* sentence : {"off", "on"}) {
        for (const bool require_think_close : {false, true}) {
          const auto task = make_verifier(
              kind, {.form = form, .sentence = sentence, .require_think_close = require_think_close});
          EXPECT_EQ(failure_of([&] { check_grader(*task, task->levels()); }), "none")
              << name << " " << sentence;
        }
      }
    }
  }
}

/// Arithmetic with another grader, or another reference answer.
class BrokenTask final : public Task {
 public:
  explicit BrokenTask(Grade always) : always_(always) {}
  explicit BrokenTask(std::string answer) : answer_(std::move(answer)) {}
  const std::string& name() const override { return arithmetic().name(); }
  TaskKind kind() const override { return TaskKind::arithmetic; }
  std::vector<std::int64_t> levels() const override { return arithmetic().levels(); }
  std::string alphabet() const override { return arithmetic().alphabet(); }
  Problem problem(std::int64_t level, Split split, std::uint64_t seed, std::uint64_t index) const override {
    Problem problem = arithmetic().problem(level, split, seed, index);
    if (!answer_.empty()) problem.answer = answer_;
    return problem;
  }
  Grade grade(std::string_view spec, std::string_view answer) const override {
    return always_ ? *always_ : arithmetic().grade(spec, answer);
  }
  std::string wrong_answer(const Problem& problem) const override {
    return arithmetic().wrong_answer(problem);
  }
  std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    return arithmetic().distinct_problems(level);
  }
  void turn_bad(Grade always) { always_ = always; }

 private:
  std::optional<Grade> always_;
  std::string answer_;
};

TEST(CheckGrader, StopsABrokenGrader) {
  const std::vector<std::int64_t> levels = {1};
  for (const Grade always : {Grade::equal, Grade::different}) {
    EXPECT_THAT(failure_of([&] { check_grader(BrokenTask(always), levels); }),
                HasSubstr("70: task \"arithmetic\" level 1: the grader says " +
                          std::string(enum_name(always)) + " to "));
  }
}

TEST(CheckGrader, RefusesAFormThatCannotHoldTheAnswers) {
  const std::vector<std::int64_t> levels = {1};
  BrokenTask board("1 2\n2 1");
  board.use_answer_form({.form = AnswerForm::hashes});
  EXPECT_EQ(failure_of([&] { check_grader(board, levels); }),
            "2: task \"arithmetic\" level 1: the answer \"1 2\\u000A2 1\" comes back from answer.form = "
            "\"hashes\" as "
            "\"1 2\" (need the same). \"tag\" holds every answer.");
  BrokenTask brace("{1");
  brace.use_answer_form({.form = AnswerForm::boxed});
  EXPECT_THAT(failure_of([&] { check_grader(brace, levels); }), HasSubstr("the answer \"{1\" comes back"));
}

// A sentence must not be an answer: for single digits "0" is one in ten.
TEST(CheckGrader, RefusesASentenceThatIsPaidWhenSaidBack) {
  std::string failures;
  for (const char digit : std::string("0123456789")) {
    const auto task = make_verifier(TaskKind::arithmetic,
                                    {.sentence = std::string("As in <answer>") + digit + "</answer>."});
    failures += failure_of([&] { check_grader(*task, std::vector<std::int64_t>{1}); });
  }
  EXPECT_THAT(failures, HasSubstr("answer.sentence said back is the right answer to "));
  EXPECT_THAT(failures, HasSubstr("(need a sentence that gives none)"));
}

class CheckGolds : public ::testing::Test {
 protected:
  std::string check(const std::string& lines, const AnswerConfig& answer = {}) {
    testing::write_text(file_, lines);
    TaskConfig config;
    config.name = "file";
    config.kind = TaskKind::jsonl;
    config.path = file_.string();
    const auto task = make_task(config, answer);
    return failure_of([&] { check_grader(*task, std::vector<std::int64_t>{1}); });
  }
  const testing::TempDir folder_;
  const std::filesystem::path file_ = folder_.path() / "p.jsonl";
};

TEST_F(CheckGolds, TakesGoldsThatEqualThemselves) {
  std::string lines;
  for (int i = 0; i < 200; ++i) {
    lines +=
        R"({"question":"q)" + std::to_string(i) + R"(","answer":"so\n#### )" + std::to_string(i) + "\"}\n";
  }
  for (const auto& [form, name] : enum_names(AnswerForm{}))
    EXPECT_EQ(check(lines, {.form = form}), "none") << name;
}

// Real golds: 1,319 test problems and 7,473 training problems, where they are there.
TEST_F(CheckGolds, TakesEveryGoldOfGsm8k) {
  const auto data = testing::shared_data();
  if (!data) GTEST_SKIP() << "no shared/data";
  for (const char* name : {"test.jsonl", "train.jsonl"}) {
    const std::filesystem::path file = *data / "gsm8k" / name;
    if (!std::filesystem::exists(file)) continue;
    TaskConfig config;
    config.name = "gsm8k";
    config.kind = TaskKind::jsonl;
    config.path = file.string();
    for (const auto& [form, form_name] : enum_names(AnswerForm{})) {
      const auto task = make_task(config, {.form = form});
      EXPECT_GT(task->num_file_problems(Split::train) + task->num_file_problems(Split::held_out), 1000u);
      EXPECT_EQ(failure_of([&] { check_grader(*task, std::vector<std::int64_t>{1}); }), "none") << form_name;
    }
  }
}

/// A file whose grader takes nothing that has a 7 in it, and everything that begins with a 9.
class OddFile final : public Task {
 public:
  const std::string& name() const override { return name_; }
  TaskKind kind() const override { return TaskKind::jsonl; }
  std::vector<std::int64_t> levels() const override { return {1}; }
  std::uint64_t num_file_problems(Split split) const override { return split == Split::train ? 100 : 0; }
  std::string alphabet() const override { return ""; }
  Problem problem(std::int64_t, Split, std::uint64_t, std::uint64_t index) const override {
    Problem problem;
    problem.level = 1;
    problem.answer = problem.spec = std::to_string(index);
    problem.source = "odd.jsonl:" + std::to_string(index + 1);
    problem.direct = problem.trace = "<answer>" + problem.answer + "</answer>";
    return problem;
  }
  Grade grade(std::string_view gold, std::string_view answer) const override {
    if (gold.find('7') != std::string_view::npos) return Grade::gold_unparseable;
    return gold == answer || gold == "9" ? Grade::equal : Grade::different;
  }
  std::string wrong_answer(const Problem& problem) const override { return problem.answer + "1"; }
  std::optional<std::uint64_t> distinct_problems(std::int64_t) const override { return std::nullopt; }

 private:
  std::string name_ = "odd";
};

TEST_F(CheckGolds, ReportsEachThatCannotBeGraded) {
  const std::string failure = failure_of([] { check_grader(OddFile(), std::vector<std::int64_t>{1}); });
  // 7, 17, ..., 97 and 70 ... 79: 19; and 9.
  EXPECT_THAT(failure,
              HasSubstr("65: task \"odd\": 20 gold(s) cannot be graded (need each to equal itself in "
                        "answer.form = \"tag\"):\nodd.jsonl:8: gold \"7\" against itself is "
                        "gold_unparseable\nodd.jsonl:10: gold \"9\" equals \"91\"\nodd.jsonl:18: "));
  EXPECT_THAT(failure, HasSubstr("odd.jsonl:98: "));
  EXPECT_THAT(failure, Not(HasSubstr("...")));
}

TEST(Probe, FindsAGraderThatBreaksOnTheWay) {
  for (const auto& [form, name] : enum_names(AnswerForm{})) {
    BrokenTask task{std::string()};
    task.use_answer_form({.form = form});
    const auto sound = make_verifier(TaskKind::arithmetic, {.form = form});
    const GraderProbe probe = make_probe(*sound, 2);
    EXPECT_EQ(failure_of([&] { check_probe(task, probe); }), "none") << name;
    task.turn_bad(Grade::equal);
    EXPECT_THAT(failure_of([&] { check_probe(task, probe); }),
                HasSubstr("70: task \"arithmetic\": the grader now says equal to " + probe.wrong + " for "));
    for (const Grade always : {Grade::different, Grade::timeout, Grade::no_answer, Grade::gold_unparseable}) {
      task.turn_bad(always);
      EXPECT_THAT(failure_of([&] { check_probe(task, probe); }),
                  HasSubstr("the grader now says " + std::string(enum_name(always)) + " to " + probe.right));
    }
  }
}

}  // namespace
}  // namespace reckon
