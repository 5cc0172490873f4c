#pragma once

#include <string>
#include <string_view>

#include "reckon/grade/config.h"

namespace reckon {

/// An answer as a completion of the form ends with it: <answer>8</answer>, \boxed{8}, #### 8, The answer
/// is 8. extract_answer() reads it back where the form can hold it: boxed needs balanced braces; hashes one
/// line; phrase one line without a full stop before a blank. Everything we write for a policy to learn from
/// or to be tested on goes through here.
[[nodiscard]] std::string answer_in_form(AnswerForm form, std::string_view answer);

/// A completion that is an answer and nothing more: behind <think></think> where config wants thinking
/// closed.
[[nodiscard]] std::string direct_answer(const AnswerConfig& config, std::string_view answer);

/// The sentence that asks for the form: "" where config.sentence is "off".
[[nodiscard]] std::string answer_sentence(const AnswerConfig& config);

/// What a completion of the form must write, in words for a message: "\boxed{".
[[nodiscard]] std::string_view answer_mark(AnswerForm form);

/// Whether a text shows the form's mark: a sentence that does not asks for something else than what is read.
/// \note of the phrase form any of its three phrases will do, in capitals or not.
[[nodiscard]] bool shows_mark(AnswerForm form, std::string_view text);

/// The characters that prompts and completions need besides those of the task: of the sentence and of the
/// form. Nothing for the default, whose tags are tokens of their own.
[[nodiscard]] std::string answer_characters(const AnswerConfig& config);

}  // namespace reckon
