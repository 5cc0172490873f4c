#include "reckon/text/text_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reckon/base/error.h"
#include "reckon/text/prompt_format.h"
#include "support/paths.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using ::testing::HasSubstr;

class TextFolderTest : public ::testing::Test {
 protected:
  testing::TempDir folder;
  Tokenizer tokenizer = Tokenizer::character_level("abcdefghijklmnopqrstuvwxyz:;\n ");

  void SetUp() override {
    testing::write_text(folder.path() / "tokenizer.json", tokenizer.to_json());
    set_config({{"eos_token", "<|eos|>"}, {"bos_token", nullptr}, {"pad_token", {{"content", "<think>"}}}});
  }
  void set_config(const json& config) const {
    testing::write_text(folder.path() / "tokenizer_config.json", config.dump());
  }
  [[nodiscard]] TextFolder load() const { return load_text_folder(folder.path()); }
  [[nodiscard]] std::string error(ExitCode code = ExitCode::bad_data) const {
    try {
      (void)load();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code);
      return error.what();
    }
    return "accepted";
  }
  [[nodiscard]] PromptFormat format(const PromptConfig& config) const { return {load(), config}; }
};

std::string render_with(const ChatTemplate& chat_template) {
  return chat_template.render(ordered_json::object());
}

TEST_F(TextFolderTest, SpecialTokensStandAsTextOrAsObjects) {
  const TextFolder text = load();
  EXPECT_EQ(text.eos_token, "<|eos|>");
  EXPECT_EQ(text.bos_token, "");
  EXPECT_EQ(text.pad_token, "<think>");
  EXPECT_EQ(text.tokenizer.eos_id(), tokenizer.eos_id());
  EXPECT_FALSE(text.chat_template.has_value());
  set_config({{"eos_token", 7}});
  EXPECT_THAT(error(), HasSubstr("\"eos_token\" is 7 (need a token's text, or an object with its content)"));
  set_config({{"eos_token", "<|end|>"}});
  EXPECT_THAT(error(), HasSubstr("<|end|>")) << "not in the vocabulary";
}

TEST_F(TextFolderTest, OlderFoldersNameThemInTheirMap) {
  set_config(json::object());
  testing::write_text(folder.path() / "special_tokens_map.json", R"({"eos_token": {"content": "<|eos|>"}})");
  EXPECT_EQ(load().eos_token, "<|eos|>");
  std::filesystem::remove(folder.path() / "special_tokens_map.json");
  EXPECT_FALSE(load().tokenizer.has_eos());
}

TEST_F(TextFolderTest, TheTemplatesOwnFileWinsOverTheOneInTheConfig) {
  set_config({{"eos_token", "<|eos|>"}, {"chat_template", "{{ 1 + 1 }}"}});
  EXPECT_EQ(render_with(*load().chat_template), "2");
  set_config({{"chat_template",
               {{{"name", "tool_use"}, {"template", "t"}}, {{"name", "default"}, {"template", "d"}}}}});
  EXPECT_EQ(render_with(*load().chat_template), "d");
  testing::write_text(folder.path() / "chat_template.jinja", "file");
  EXPECT_EQ(render_with(*load().chat_template), "file");
}

TEST_F(TextFolderTest, TemplatesThatCannotBeReadAreRefused) {
  set_config({{"chat_template", {{{"name", "tool_use"}, {"template", "t"}}}}});
  EXPECT_THAT(error(), HasSubstr("chat_template has no template \"default\" (it has: tool_use)"));
  set_config({{"chat_template", 7}});
  EXPECT_THAT(error(), HasSubstr("chat_template is a JSON number (need text, or a list)"));
  set_config({{"chat_template", {7}}});
  EXPECT_THAT(error(), HasSubstr("holds an entry without a name or a template"));
  set_config({{"chat_template", "a\n{% nonsense %}"}});
  EXPECT_THAT(error(), HasSubstr("tokenizer_config.json: chat_template:2: "));
  set_config(json::array());
  EXPECT_THAT(error(), HasSubstr("holds a JSON array (need an object)"));
}

TEST_F(TextFolderTest, AMissingFolderOrTokenizerIsNamed) {
  std::filesystem::remove(folder.path() / "tokenizer.json");
  EXPECT_THAT(error(ExitCode::missing_input), HasSubstr("tokenizer.json"));
  EXPECT_THROW((void)load_text_folder(folder.path() / "none"), Error);
}

constexpr const char* kTemplate =
    "{{ bos_token }}{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}"
    "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}"
    "{% if date_string is defined %}{{ date_string | lower | replace('26 ', 'd') | replace(' 2024', '') }}{% "
    "endif %}";

TEST_F(TextFolderTest, APromptIsTheUsersMessageInTheTemplate) {
  testing::write_text(folder.path() / "chat_template.jinja", kTemplate);
  PromptConfig config;
  EXPECT_EQ(format(config).render("abc").text, "user:abc;assistant:djul");
  config.system = "be good";
  config.think_prefix = "<think>\n";
  const RenderedPrompt prompt = format(config).render("abc");
  EXPECT_EQ(prompt.text, "system:be good;user:abc;assistant:djul<think>\n");
  EXPECT_EQ(prompt.token_ids, tokenizer.encode(prompt.text));
  EXPECT_TRUE(opens_thinking(prompt.text));
  config.think_prefix = "";
  config.thinking = Thinking::off;
  EXPECT_EQ(format(config).render("abc").text, "system:be good;user:abc;assistant:<think></think>djul");
  config.date_string = "x";
  EXPECT_EQ(format(config).render("abc").text, "system:be good;user:abc;assistant:<think></think>x");
}

// A template that asks for the time gets the day of date_string: a run must not depend on the clock.
TEST_F(TextFolderTest, TheDayIsThatOfTheRecipe) {
  testing::write_text(folder.path() / "chat_template.jinja",
                      "{{ strftime_now('%Y %m %d') | replace('20', 'y') }}");
  PromptConfig config;
  config.date_string = "03 Feb 2025";
  const TextFolder text = load();
  const Tokenizer digits = Tokenizer::character_level("0123456789y ");
  const auto rendered = [&](const PromptConfig& c) {
    return PromptFormat({.tokenizer = digits, .chat_template = text.chat_template}, c).render("abc").text;
  };
  EXPECT_EQ(rendered(config), "y25 02 03");
  EXPECT_EQ(rendered(PromptConfig{}), "y24 07 26");
  config.date_string = "some day";
  EXPECT_EQ(rendered(config), "y24 07 26");
}

// What a template may ask for and there is not is none, as in transformers, and not undefined.
TEST_F(TextFolderTest, ToolsAndDocumentsAreNone) {
  testing::write_text(folder.path() / "chat_template.jinja",
                      "{{ 'a' if tools is none else 'b' }}{{ 'c' if documents is none else 'd' }}");
  EXPECT_EQ(format(PromptConfig{}).render("x").text, "ac");
}

TEST_F(TextFolderTest, WithoutATemplateTheProblemStandsAlone) {
  testing::write_text(folder.path() / "chat_template.jinja", kTemplate);
  PromptConfig config;
  config.chat_template = "none";
  config.think_prefix = "<think>";
  EXPECT_EQ(format(config).render("abc").text, "abc<think>");
  EXPECT_EQ(PromptFormat(tokenizer).render("abc").token_ids, tokenizer.encode("abc"));
}

// The sentence that asks for the form of the answer belongs to the problem, in front of what begins the
// answer.
TEST_F(TextFolderTest, TheSentenceStandsBehindTheProblem) {
  PromptConfig config;
  config.think_prefix = "<think>";
  config.chat_template = "none";
  EXPECT_EQ(PromptFormat(load(), config, "say d").render("abc").text, "abc\nsay d<think>");
  EXPECT_EQ(PromptFormat(load(), config, "").render("abc").text, "abc<think>");
  config.chat_template = (folder.path() / "mine.jinja").string();
  testing::write_text(config.chat_template, "q {{ messages[0].content }} a ");
  EXPECT_EQ(PromptFormat(load(), config, "say d").render("abc").text, "q abc\nsay d a <think>");
  EXPECT_EQ(PromptFormat(load(), config, "say d")
                .render_conversation({{{"role", "user"}, {"content", "abc"}}})
                .text,
            "q abc a <think>");  // a conversation is the user's own
}

TEST_F(TextFolderTest, ATemplateMayComeFromAFileOfItsOwn) {
  PromptConfig config;
  config.chat_template = (folder.path() / "mine.jinja").string();
  EXPECT_THROW((void)format(config), Error);
  testing::write_text(config.chat_template, "q {{ messages[0].content }} a ");
  EXPECT_EQ(format(config).render("abc").text, "q abc a ");
}

TEST_F(TextFolderTest, WhatNeedsATemplateSaysSo) {
  const auto refusal = [&](const PromptConfig& config) {
    try {
      (void)format(config);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  PromptConfig config;
  config.chat_template = "chat";
  EXPECT_THAT(refusal(config), HasSubstr("[prompt]: template is \"chat\", and the model's folder has none"));
  config.chat_template = "auto";
  EXPECT_EQ(refusal(config), "accepted");
  config.system = "be good";
  EXPECT_THAT(refusal(config), HasSubstr("[prompt]: system is given, and there is no chat template"));
}

TEST(OpensThinking, OnlyWhereThePromptEndsInsideIt) {
  EXPECT_TRUE(opens_thinking("a<think>"));
  EXPECT_TRUE(opens_thinking("a<think>\n\n"));
  EXPECT_FALSE(opens_thinking("a<think>b"));
  EXPECT_FALSE(opens_thinking("a<think></think>"));
  EXPECT_FALSE(opens_thinking("reason inside <think> and </think>"));
  EXPECT_FALSE(opens_thinking(""));
}

TEST(CompletionBehind, ThinkingIsOpenedOnce) {
  EXPECT_EQ(completion_behind("q", "<think>s</think><answer>8</answer>"),
            "<think>s</think><answer>8</answer>");
  EXPECT_EQ(completion_behind("q<think>\n", "<think>s</think><answer>8</answer>"),
            "s</think><answer>8</answer>");
  EXPECT_EQ(completion_behind("q<think>\n", "<answer>8</answer>"), "</think><answer>8</answer>");
  EXPECT_EQ(completion_behind("q", "<answer>8</answer>"), "<answer>8</answer>");
}

}  // namespace
}  // namespace reckon
