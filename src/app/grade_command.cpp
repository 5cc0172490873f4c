// `reckon grade`: answers against golds, as JSON lines.
#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>

#include "commands.h"
#include "json_lines.h"
#include "reckon/grade/certifier.h"
#include "reckon/grade/extract.h"
#include "reckon/grade/find_answer.h"
#include "reckon/grade/grade.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// What the two texts of a line are.
enum class PairKind {
  automatic,   ///< both are answers, or texts that hold one
  answer,      ///< both are answers as they stand
  completion,  ///< the gold is an answer, pred what a model generated, read as in training
};

struct GradeCommand {
  std::string file;
  PairKind kind = PairKind::automatic;
  AnswerConfig answer;
  GradeOptions options;
};

struct GradedPair {
  GradeResult result;
  std::string extracted;
};

GradedPair grade_pair(const GradeCommand& command, const std::string& gold, const std::string& pred) {
  std::string answer = pred;
  if (command.kind == PairKind::automatic) answer = find_answer(pred).text;
  const GoldAnswer reference(command.kind == PairKind::automatic ? find_answer(gold).text : gold,
                             command.options);
  if (command.kind == PairKind::completion) {
    const Extracted extracted = extract_answer(pred, command.answer);
    const bool is_list = !extracted.joined.empty() && reference.is_list();
    answer = is_list ? extracted.joined : extracted.answer;
    if (extracted.too_long) return {{Grade::refused, "the answer is too long"}, ""};
  }
  return {reference.grade(answer), std::move(answer)};
}

ordered_json grade_line(const GradeCommand& command, const json& line, const std::string& where) {
  const std::string& gold = json_string(line, "gold", where);
  const std::string& pred = json_string(line, "pred", where);
  const auto start = std::chrono::steady_clock::now();
  const GradedPair pair = grade_pair(command, gold, pred);
  const auto elapsed = std::chrono::steady_clock::now() - start;
  const Verdict verdict = verdict_of(pair.result.grade);
  return {{"verdict", enum_name(verdict)},
          {"correct", verdict == Verdict::right},
          {"grade", enum_name(pair.result.grade)},
          {"extracted", pair.extracted},
          {"reason", pair.result.reason},
          {"micros", std::chrono::duration_cast<std::chrono::microseconds>(elapsed).count()}};
}

}  // namespace

void add_grade_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("grade",
                                             "Grade {gold, pred} lines: {verdict, correct, grade, extracted, "
                                             "reason, micros} lines in the same order");
  const auto arguments = std::make_shared<GradeCommand>();
  const std::map<std::string, PairKind> kinds{
      {"auto", PairKind::automatic}, {"answer", PairKind::answer}, {"completion", PairKind::completion}};
  command
      ->add_option("--kind", arguments->kind,
                   "auto: gold and pred are answers, or text that holds one; answer: answers as they stand; "
                   "completion: pred is what a model generated, its answer is read as in training")
      ->transform(CLI::CheckedTransformer(kinds).description("auto|answer|completion"))
      ->default_str("auto");
  const std::map<std::string, AnswerForm> forms{{"tag", AnswerForm::tag},
                                                {"boxed", AnswerForm::boxed},
                                                {"hashes", AnswerForm::hashes},
                                                {"phrase", AnswerForm::phrase}};
  command->add_option("--form", arguments->answer.form, "where completions give their answers")
      ->transform(CLI::CheckedTransformer(forms).description("tag|boxed|hashes|phrase"))
      ->default_str("tag");
  command->add_flag("--ordered-lists", arguments->options.ordered_lists,
                    "a list without brackets must come in the gold's order");
  command->add_flag("--tuple-as-set", arguments->options.tuple_as_set,
                    "1, 3 and {1, 3} are right for (1, 3), in that order");
  command->add_flag("--inequality-for-interval", arguments->options.inequality_for_interval,
                    "-2 <= x <= 7 is right for [-2, 7]; the reverse always is");
  command->add_option("file", arguments->file, "JSON lines; standard input where it is not given or -");
  command->callback([arguments] {
    start_certifiers(1);
    answer_json_lines(arguments->file, [&](const json& line, const std::string& where) {
      return grade_line(*arguments, line, where);
    });
  });
}

}  // namespace reckon
