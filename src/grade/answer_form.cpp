#include "reckon/grade/answer_form.h"

#include "extract_forms.h"
#include "tags.h"

namespace reckon {

std::string answer_in_form(AnswerForm form, std::string_view answer) {
  const std::string text(answer);
  switch (form) {
    case AnswerForm::boxed:
      return "\\boxed{" + text + "}";
    case AnswerForm::hashes:
      return "#### " + text;
    case AnswerForm::phrase:
      return "The answer is " + text + ".";
    default:
      return std::string(tags::kAnswerOpen) + text + std::string(tags::kAnswerClose);
  }
}

std::string direct_answer(const AnswerConfig& config, std::string_view answer) {
  std::string text;
  if (config.require_think_close) text.append(tags::kThinkOpen).append(tags::kThinkClose);
  return text + answer_in_form(config.form, answer);
}

std::string answer_sentence(const AnswerConfig& config) {
  if (config.sentence == "off") return "";
  if (config.sentence != "on") return config.sentence;
  switch (config.form) {
    case AnswerForm::boxed:
      return "Put the final answer, and nothing else, in \\boxed{}.";
    case AnswerForm::hashes:
      return "Close with a line that has #### and then the final answer.";
    case AnswerForm::phrase:
      return "Close with the sentence \"The answer is X.\", with the final answer for X.";
    default:
      return "Write the final answer, and nothing else, between <answer> and </answer>.";
  }
}

std::string_view answer_mark(AnswerForm form) {
  switch (form) {
    case AnswerForm::boxed:
      return "\\boxed{";
    case AnswerForm::hashes:
      return "####";
    case AnswerForm::phrase:
      return "the answer is";
    default:
      return tags::kAnswerOpen;
  }
}

bool shows_mark(AnswerForm form, std::string_view text) {
  if (form == AnswerForm::phrase) return end_of_last_phrase(text) != std::string_view::npos;
  return text.find(answer_mark(form)) != std::string_view::npos;
}

std::string answer_characters(const AnswerConfig& config) {
  const std::string sentence = answer_sentence(config);
  std::string characters = sentence.empty() ? "" : sentence + "\n";  // PromptFormat puts it on its own line
  if (config.form != AnswerForm::tag) characters += answer_in_form(config.form, "");
  return characters;
}

}  // namespace reckon
