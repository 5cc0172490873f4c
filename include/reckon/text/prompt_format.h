#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/text/config.h"
#include "reckon/text/text_folder.h"

namespace reckon {

/// A prompt, rendered once: these ids are what sampler, learner and evaluator use.
struct RenderedPrompt {
  std::string text;
  std::vector<std::uint32_t> token_ids;
};

/// Turns problems into prompts: through a chat template, or as they stand.
class PromptFormat {
 public:
  /// Problems as they stand.
  explicit PromptFormat(Tokenizer tokenizer);
  /// \param sentence  asks for the form of the answer, on a line of its own behind each problem
  ///                  (reckon/grade/answer_form.h); "" for none.
  /// \throws Error(usage) where the configuration wants a template that the folder does not have, or a system
  /// message without a template; Error(missing_input), Error(bad_data) from a template's own file.
  PromptFormat(TextFolder folder, const PromptConfig& config, std::string sentence = "");

  /// The problem and the sentence as the user's message, behind it what makes the assistant's turn begin, and
  /// think_prefix. Without a template: the problem's text, the sentence and think_prefix, with the BOS that
  /// the tokenizer puts before a text. \throws Error(bad_data) where the template fails, or the text has
  /// characters the tokenizer lacks.
  [[nodiscard]] RenderedPrompt render(std::string_view problem) const;
  /// A conversation: an array of {"role", "content"} objects, without the system's message, which the
  /// configuration gives. Needs a template.
  [[nodiscard]] RenderedPrompt render_conversation(const nlohmann::ordered_json& messages) const;

  [[nodiscard]] const Tokenizer& tokenizer() const { return folder_.tokenizer; }
  [[nodiscard]] bool has_template() const { return folder_.chat_template.has_value(); }

 private:
  TextFolder folder_;
  PromptConfig config_;
  std::string sentence_;
};

/// A problem with the sentence that asks for the form of its answer, which may be "".
[[nodiscard]] std::string with_sentence(std::string_view problem, std::string_view sentence);

/// Whether a prompt ends inside thinking that it opened itself (think_prefix, or a template that ends with
/// "<think>\n"): then the completion begins there, and is to be read with a <think> before it.
[[nodiscard]] bool opens_thinking(std::string_view prompt_text);

/// A reference completion as it goes on from a prompt: thinking that the prompt has opened is not opened
/// again, and where the reference has none it is closed at once.
[[nodiscard]] std::string completion_behind(std::string_view prompt_text, std::string_view completion);

}  // namespace reckon
