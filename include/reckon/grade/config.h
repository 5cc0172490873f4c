#pragma once

#include <array>
#include <string>

#include "reckon/base/describe.h"

namespace reckon {

/// Where a completion gives its answer (extract.h).
enum class AnswerForm {
  tag,     ///< <answer>8</answer>
  boxed,   ///< \boxed{8}
  hashes,  ///< #### 8
  phrase,  ///< The answer is 8.
};
constexpr auto enum_names(AnswerForm) {
  return std::array{EnumName{AnswerForm::tag, "tag"}, EnumName{AnswerForm::boxed, "boxed"},
                    EnumName{AnswerForm::hashes, "hashes"}, EnumName{AnswerForm::phrase, "phrase"}};
}

/// The [answer] table: the one place that says how a prompt asks for the answer, how reference completions
/// write it and where it is read, so that the three cannot disagree.
struct AnswerConfig {
  AnswerForm form = AnswerForm::tag;
  std::string sentence = "off";
  bool require_think_close = false;
};

template <class Visitor>
void describe(Visitor& visit, AnswerConfig& c) {
  visit("form", c.form, any(),
        "where a completion gives its answer, after the last </think>: tag is the last "
        "<answer>...</answer>, boxed the last \\boxed{...} or \\fbox{...}, hashes what follows the last #### "
        "on its line, phrase what follows the last \"the answer is\", \"final answer is\" or \"answer:\" in "
        "its sentence; there is no second place to look");
  visit("sentence", c.sentence, any(),
        "what asks for that form behind the problem's text: \"off\" is nothing, \"on\" a sentence of ours, "
        "anything else the sentence itself, which must show the form's mark");
  visit(
      "require_think_close", c.require_think_close, any(),
      "a completion without </think> has no answer; one that never closes its <think> has none in any case");
}

}  // namespace reckon
