// Any bytes as a chat template, rendered with fixed conversations under small limits.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reckon/text/chat_template.h"
#include "reckon/text/utf8.h"
#include "refusals.h"

namespace reckon::fuzz {
namespace {

constexpr TemplateLimits kLimits{.steps = 20'000, .depth = 20, .output_bytes = 20'000, .now = 1'700'000'000};

const std::vector<nlohmann::ordered_json>& conversations() {
  static const std::vector<nlohmann::ordered_json> all = {nlohmann::ordered_json::parse(R"({"messages": [
        {"role": "system", "content": "You are \"kind\"."},
        {"role": "user", "content": "1 + 1 = ?\n"},
        {"role": "assistant", "content": "<think>\nadd\n</think>\n\n2", "reasoning_content": "add"},
        {"role": "user", "content": [{"type": "text", "text": "größe"}]}],
        "add_generation_prompt": true, "bos_token": "<s>", "eos_token": "</s>", "enable_thinking": false})"),
                                                          nlohmann::ordered_json::parse(R"({"messages": [
        {"role": "user", "content": ""},
        {"role": "assistant", "content": null, "tool_calls": [{"type": "function",
          "function": {"name": "f", "arguments": {"x": 1.5, "y": [true, null, -7]}}}]},
        {"role": "tool", "content": "{\"x\": 1}"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "add_generation_prompt": false, "n": 9223372036854775807})"),
                                                          nlohmann::ordered_json::object()};
  return all;
}

void check_rendering(const ChatTemplate& chat, const nlohmann::ordered_json& variables) {
  const auto render = [&] { return chat.render(variables, kLimits); };
  const auto text = accepted(ExitCode::bad_data, "t:", render);
  if (!text) return;
  require(text->size() <= kLimits.output_bytes, "the output keeps to its limit");
  require(is_utf8(*text), "the output is text");
  require(render() == *text, "a template is rendered the same twice");
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace fuzz = reckon::fuzz;
  const std::string_view source = fuzz::text_of(data, size);
  const auto chat = fuzz::accepted(reckon::ExitCode::bad_data,
                                   "t:", [&] { return reckon::ChatTemplate::parse(source, "t"); });
  if (!chat) return 0;
  fuzz::require(chat->source() == source, "a template keeps its source");
  for (const auto& variables : fuzz::conversations()) fuzz::check_rendering(*chat, variables);
  return 0;
}
