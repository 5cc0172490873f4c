// Prompts as apply_chat_template of transformers makes them, from the folder to the token ids.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/text/prompt_format.h"
#include "support/paths.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr const char* kTemplates[] = {"Qwen-Qwen2.5-7B-Instruct",
                                      "Qwen-QwQ-32B",
                                      "Qwen-Qwen3-0.6B",
                                      "meta-llama-Llama-3.1-8B-Instruct",
                                      "meta-llama-Llama-3.3-70B-Instruct",
                                      "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",
                                      "deepseek-ai-DeepSeek-R1-Distill-Llama-8B"};

constexpr const char* kProblems[] = {"What is 17 * 23?", " Leading and trailing blanks \n",
                                     "Na\xC3\xAFve caf\xC3\xA9: \xE4\xBD\xA0\xE5\xA5\xBD \xF0\x9F\x8E\x89",
                                     "</think> and <|im_end|> in the text", "{{ 7 * 7 }} {% raw %}"};

/// The folder of a template: [template, system or null, enable_thinking or null, problem] a line in, ids out.
constexpr const char* kScript = R"(
import json, sys
from transformers import AutoTokenizer
root, names = sys.argv[1], sys.argv[2:]
tokenizers = {name: AutoTokenizer.from_pretrained(root + "/" + name) for name in names}
for line in open(root + "/cases.jsonl", encoding="utf-8"):
    name, system, thinking, problem = json.loads(line)
    messages = ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": problem}]
    extra = {} if thinking is None else {"enable_thinking": thinking}
    ids = tokenizers[name].apply_chat_template(messages, add_generation_prompt=True, tokenize=True,
                                               return_dict=False, date_string="26 Jul 2024", **extra)
    print(json.dumps(ids))
)";

TEST(PromptOracle, IdsAreThoseOfApplyChatTemplate) {
  const auto data = testing::shared_data();
  if (!data) GTEST_SKIP() << "no shared/data";
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no oracle Python";
  const testing::TempDir root;
  std::string words, lines;
  std::vector<std::vector<std::uint32_t>> ours;
  for (const char* name : kTemplates) {
    const fs::path folder = root.path() / name;
    fs::create_directories(folder);
    fs::copy_file(*data / "tokenizers/qwen2.5/tokenizer.json", folder / "tokenizer.json");
    json config = json::parse(testing::read_text(*data / "tokenizers/qwen2.5/tokenizer_config.json"));
    config["bos_token"] = "<|endoftext|>";  // for the templates that write one
    testing::write_text(folder / "tokenizer_config.json", config.dump());
    fs::copy_file(*data / "templates" / (std::string(name) + ".jinja"), folder / "chat_template.jinja");
    words += std::string(" ") + name;
    const TextFolder text = load_text_folder(folder);
    for (const char* system : {"", "Reason inside <think> and </think>."}) {
      for (const Thinking thinking : {Thinking::unset, Thinking::on, Thinking::off}) {
        for (const char* problem : kProblems) {
          PromptConfig prompt;
          prompt.system = system;
          prompt.thinking = thinking;
          ours.push_back(PromptFormat(text, prompt).render(problem).token_ids);
          const json thinks = thinking == Thinking::unset ? json() : json(thinking == Thinking::on);
          lines += json::array({name, *system == 0 ? json() : json(system), thinks, problem}).dump() + "\n";
        }
      }
    }
  }
  testing::write_text(root.path() / "cases.jsonl", lines);
  testing::write_text(root.path() / "oracle.py", kScript);
  const auto result =
      testing::run_command("(" + python->string() + " " + (root.path() / "oracle.py").string() + " " +
                           root.path().string() + words + " 2>" + (root.path() / "stderr").string() + ")");
  ASSERT_EQ(result.exit_code, 0) << testing::read_text(root.path() / "stderr");
  std::istringstream out(result.output);
  std::string line;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    ASSERT_TRUE(std::getline(out, line)) << i;
    EXPECT_EQ(json::parse(line), json(ours[i])) << "case " << i;
  }
  EXPECT_EQ(ours.size(), 7u * 2u * 3u * 5u);
}

}  // namespace
}  // namespace reckon
