#include "reckon/text/prompt_format.h"

#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kMaxTemplateBytes = std::size_t{16} << 20;

[[noreturn]] void refuse(const std::string& what) {
  throw Error(ExitCode::usage, "[prompt]: " + what);
}

/// The day that a text such as "26 Jul 2024" names, for templates that ask for the time; a fixed one where it
/// is of another form.
std::time_t day_of(const std::string& date_string) {
  std::tm day{};
  const char* end = strptime(date_string.c_str(), "%d %b %Y", &day);
  if (end == nullptr || *end != '\0') {
    day = {};
    day.tm_mday = 26;
    day.tm_mon = 6;
    day.tm_year = 2024 - 1900;
  }
  return timegm(&day);
}

}  // namespace

PromptFormat::PromptFormat(Tokenizer tokenizer) : folder_{.tokenizer = std::move(tokenizer)} {}

PromptFormat::PromptFormat(TextFolder folder, const PromptConfig& config, std::string sentence)
    : folder_(std::move(folder)), config_(config), sentence_(std::move(sentence)) {
  const std::string& wanted = config.chat_template;
  if (wanted == "none") {
    folder_.chat_template.reset();
  } else if (wanted == "chat") {
    if (!has_template()) {
      refuse(
          "template is \"chat\", and the model's folder has none (need chat_template.jinja, or chat_template "
          "in tokenizer_config.json)");
    }
  } else if (wanted != "auto") {
    folder_.chat_template = ChatTemplate::parse(read_file(wanted, kMaxTemplateBytes), wanted);
  }
  if (!config.system.empty() && !has_template()) {
    refuse(
        "system is given, and there is no chat template to put it in (need template = a .jinja file, or a "
        "model with one)");
  }
}

RenderedPrompt PromptFormat::render(std::string_view problem) const {
  const std::string text = with_sentence(problem, sentence_);
  if (has_template()) {
    return render_conversation(ordered_json::array({{{"role", "user"}, {"content", text}}}));
  }
  RenderedPrompt prompt;
  prompt.text = text + config_.think_prefix;
  prompt.token_ids = tokenizer().encode(prompt.text, AddSpecials::yes);
  return prompt;
}

RenderedPrompt PromptFormat::render_conversation(const ordered_json& messages) const {
  if (!has_template()) refuse("a conversation needs a chat template, and the model's folder has none");
  ordered_json all = ordered_json::array();
  if (!config_.system.empty()) all.push_back({{"role", "system"}, {"content", config_.system}});
  for (const ordered_json& message : messages) all.push_back(message);
  // As apply_chat_template of transformers gives them: none for what a template may ask for and there is not,
  // and the special tokens that the folder names.
  ordered_json variables = {{"messages", std::move(all)},
                            {"tools", nullptr},
                            {"documents", nullptr},
                            {"add_generation_prompt", true},
                            {"date_string", config_.date_string}};
  const std::pair<const char*, const std::string*> tokens[] = {{"bos_token", &folder_.bos_token},
                                                               {"eos_token", &folder_.eos_token},
                                                               {"unk_token", &folder_.unk_token},
                                                               {"pad_token", &folder_.pad_token}};
  for (const auto& [name, token] : tokens) {
    if (!token->empty()) variables[name] = *token;
  }
  if (config_.thinking != Thinking::unset) variables["enable_thinking"] = config_.thinking == Thinking::on;
  RenderedPrompt prompt;
  TemplateLimits limits;
  limits.now = day_of(config_.date_string);
  prompt.text = folder_.chat_template->render(variables, limits) + config_.think_prefix;
  // The template writes BOS itself where the family has one: a second must not come from the tokenizer.
  prompt.token_ids = tokenizer().encode(prompt.text, AddSpecials::no);
  return prompt;
}

std::string with_sentence(std::string_view problem, std::string_view sentence) {
  std::string text(problem);
  return sentence.empty() ? text : text.append("\n").append(sentence);
}

bool opens_thinking(std::string_view prompt_text) {
  const std::size_t open = prompt_text.rfind(kThinkOpen);
  if (open == std::string_view::npos) return false;
  const std::string_view rest = prompt_text.substr(open + kThinkOpen.size());
  return rest.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string completion_behind(std::string_view prompt_text, std::string_view completion) {
  if (!opens_thinking(prompt_text)) return std::string(completion);
  if (completion.starts_with(kThinkOpen)) return std::string(completion.substr(kThinkOpen.size()));
  return std::string(kThinkClose) + std::string(completion);
}

}  // namespace reckon
