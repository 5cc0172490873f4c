#include "program_grader.h"

#include <algorithm>
#include <optional>

#include "generated_task.h"
#include "reckon/base/error.h"
#include "reckon/grade/answer_form.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::optional<Grade> grade_named(const json& name) {
  if (!name.is_string()) return std::nullopt;
  for (const auto& entry : enum_names(Grade{})) {
    if (entry.name == name.get_ref<const std::string&>()) return entry.value;
  }
  return std::nullopt;
}

std::string check_grade_reply(const json& reply) {
  constexpr const char* kNeed =
      R"( (need {"reward": a number from 0 to 1} or {"grade": "equal", "different", ...}))";
  const auto reward = reply.find("reward");
  const auto grade = reply.find("grade");
  const bool has_reward = reward != reply.end() && reward->is_number() && reward->get<double>() >= 0 &&
                          reward->get<double>() <= 1;
  const bool has_grade = grade != reply.end() && grade_named(*grade).has_value();
  if (reply.size() == 1 && (has_reward || has_grade)) return {};
  return "answered " + in_quotes(reply.dump(-1, ' ', true).substr(0, 200)) + " to a grade request" + kNeed;
}

Graded graded_of(const json& reply) {
  if (const auto grade = reply.find("grade"); grade != reply.end()) {
    const Grade word = *grade_named(*grade);
    return {word, word == Grade::equal ? 1.0 : 0.0};
  }
  const double reward = reply.at("reward").get<double>();
  return {reward == 1 ? Grade::equal : Grade::different, reward};
}

}  // namespace

Graded ProgramGrader::graded(std::string_view spec, std::string_view answer,
                             std::string_view completion) const {
  const json rules = parse_json(spec, program_->where() + ": spec");
  if (!rules.is_object()) throw Error(ExitCode::bad_data, program_->where() + ": spec is no JSON object");
  const ordered_json request = {
      {"op", "grade"}, {"spec", rules}, {"answer", answer}, {"completion", completion}};
  for (int attempt = 0; attempt < 2; ++attempt) {
    const ProgramReply reply = program_->ask(request, seconds_, check_grade_reply);
    if (reply.outcome == ProgramOutcome::answered) return graded_of(reply.value);
    if (reply.outcome == ProgramOutcome::timeout) return {Grade::timeout, 0};
  }
  return {Grade::grader_failed, 0};
}

Graded ProgramGrader::graded_probe(const GradeProbe& probe, const std::string& answer) const {
  const ordered_json request = {{"op", "grade"},
                                {"spec", json::parse(probe.spec)},
                                {"answer", answer},
                                {"completion", answer_in_form(AnswerForm::tag, answer)}};
  const ProgramReply reply = program_->ask(request, seconds_, check_grade_reply);
  if (reply.outcome != ProgramOutcome::answered) {
    throw Error(ExitCode::bad_data, program_->where() + ": " + reply.reason + ", asked to grade " +
                                        in_quotes(answer) + " for " + in_quotes(probe.prompt));
  }
  return graded_of(reply.value);
}

void ProgramGrader::check(std::span<const GradeProbe> probes) const {
  const auto fail = [&](const GradeProbe& probe, const std::string& answer, const Graded& graded,
                        const std::string& need) {
    throw Error(ExitCode::bad_data, program_->where() + ": grades " + in_quotes(answer) + " for " +
                                        in_quotes(probe.prompt) + " " + std::string(enum_name(graded.grade)) +
                                        " with reward " + json(graded.credit).dump() + " (need " + need +
                                        ")");
  };
  std::vector<Graded> before;
  for (const GradeProbe& probe : probes) {
    const Graded right = graded_probe(probe, probe.answer);
    if (right.grade != Grade::equal) fail(probe, probe.answer, right, "1: it is the right answer");
    const Graded wrong = graded_probe(probe, probe.wrong_answer);
    if (wrong.grade != Grade::different) {
      fail(probe, probe.wrong_answer, wrong, "less than 1 and \"different\": it is the wrong answer");
    }
    before.push_back(wrong);
  }
  program_->restart();
  for (std::size_t i = probes.size(); i-- > 0;) {
    const Graded wrong = graded_probe(probes[i], probes[i].wrong_answer);
    const Graded right = graded_probe(probes[i], probes[i].answer);
    if (right.grade != Grade::equal) {
      fail(probes[i], probes[i].answer, right, "1, as before it was started again");
    }
    if (wrong.grade != before[i].grade || wrong.credit != before[i].credit) {
      fail(probes[i], probes[i].wrong_answer, wrong,
           json(before[i].credit).dump() + ", as before it was started again");
    }
  }
}

}  // namespace reckon
