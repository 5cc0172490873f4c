#pragma once

#include <array>
#include <string>

#include "reckon/base/describe.h"

namespace reckon {

/// The variable enable_thinking of templates that know it (Qwen3).
enum class Thinking { unset, on, off };
constexpr auto enum_names(Thinking) {
  return std::array{EnumName{Thinking::unset, "auto"}, EnumName{Thinking::on, "on"},
                    EnumName{Thinking::off, "off"}};
}

/// How a problem becomes a prompt: the [prompt] table.
struct PromptConfig {
  std::string chat_template = "auto";
  std::string system;
  std::string think_prefix;
  Thinking thinking = Thinking::unset;
  std::string date_string = "26 Jul 2024";
};

template <class Visitor>
void describe(Visitor& visit, PromptConfig& c) {
  visit("template", c.chat_template, any(),
        "chat template: \"auto\" takes that of model.path where it has one, \"chat\" insists on it, \"none\" "
        "gives the "
        "problem's text as it stands, else the path of a .jinja file");
  visit("system", c.system, any(), "message of the system before the problem; needs a template");
  visit("think_prefix", c.think_prefix, any(),
        "text that the completion is made to begin with, such as \"<think>\\n\"; belongs to the prompt");
  visit("thinking", c.thinking, any(),
        "enable_thinking of templates that know it (Qwen3); auto leaves it out");
  visit("date_string", c.date_string, any(),
        "today's date for templates that print one (Llama 3): a run must not depend on the day");
}

}  // namespace reckon
