#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "reckon/base/philox.h"
#include "reckon/text/tokenizer.h"
#include "reckon/text/utf8.h"
#include "support/paths.h"

namespace reckon {
namespace {

const int kNumStrings = static_cast<int>(testing::sweep_size(2000, 20000));

/// Reads tokenizer.json and strings (one JSON array a line: [text, ids]); writes what the packages make of
/// them.
constexpr const char* kScript = R"(
import json, sys
from tokenizers import Tokenizer
from transformers import AutoTokenizer
folder = sys.argv[1]
plain = Tokenizer.from_file(folder + "/tokenizer.json")
auto = AutoTokenizer.from_pretrained(folder)
assert plain.get_vocab_size() == len(auto), (plain.get_vocab_size(), len(auto))
print(json.dumps({"eos": [auto.eos_token, auto.eos_token_id], "vocab": len(auto)}))
for line in open(folder + "/strings.jsonl", encoding="utf-8"):
    text, ids = json.loads(line)
    encoded = plain.encode(text)
    print(json.dumps([encoded.ids, plain.decode(ids, skip_special_tokens=False),
                      plain.decode(ids, skip_special_tokens=True), auto(text)["input_ids"],
                      auto.decode(ids), auto.decode(ids, skip_special_tokens=True)]))
)";

/// Random text in which special tokens, whole and in pieces, stand among plain characters.
std::string random_text(RandomStream& random, const std::u32string& alphabet) {
  const std::string pieces[] = {"<think>", "</think>", "<answer>", "</answer>", "<|eos|>",
                                "<thin",   "</",       "answer>",  "<<think>>"};
  std::string text;
  const std::uint32_t length = random.below(40);
  for (std::uint32_t i = 0; i < length; ++i) {
    if (random.below(6) == 0) {
      text += pieces[random.below(9)];
    } else {
      append_utf8(text, alphabet[random.below(static_cast<std::uint32_t>(alphabet.size()))]);
    }
  }
  return text;
}

TEST(TokenizerOracle, PythonGivesTheSameIdsAndText) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no oracle Python";
  // With blanks, a newline, a combining accent, an ideograph and an emoji: nothing may be normalised or
  // stripped.
  const std::string letters =
      "0123456789+-*/=();:~&|?<>abcdefghijklmnopqrstuvwxyz "
      "\n\t'\"\\,.!\xC3\xA9\xCC\x81\xE4\xB8\xAD\xF0\x9F\x98\x80";
  const Tokenizer tokenizer = Tokenizer::character_level(letters);
  const std::u32string alphabet = utf8_to_code_points(letters, "letters");
  const testing::TempDir folder;
  testing::write_text(folder.path() / "tokenizer.json", tokenizer.to_json());
  testing::write_text(folder.path() / "tokenizer_config.json", tokenizer.tokenizer_config_json());
  testing::write_text(folder.path() / "oracle.py", kScript);
  RandomStream random(7, 1);
  std::vector<std::string> texts;
  std::string lines;
  for (int i = 0; i < kNumStrings; ++i) {
    texts.push_back(random_text(random, alphabet));
    lines += nlohmann::json::array({texts.back(), tokenizer.encode(texts.back())}).dump() + "\n";
  }
  testing::write_text(folder.path() / "strings.jsonl", lines);

  const auto result =
      testing::run_command(python->string() + " " + (folder.path() / "oracle.py").string() + " " +
                           folder.path().string() + " 2>" + (folder.path() / "stderr").string());
  ASSERT_EQ(result.exit_code, 0) << result.output << testing::read_text(folder.path() / "stderr");
  std::istringstream out(result.output);
  std::string line;
  ASSERT_TRUE(std::getline(out, line));
  const auto summary = nlohmann::json::parse(line);
  EXPECT_EQ(summary["eos"], nlohmann::json::array({"<|eos|>", tokenizer.eos_id()}));
  EXPECT_EQ(summary["vocab"], tokenizer.vocab_size());
  for (const std::string& text : texts) {
    ASSERT_TRUE(std::getline(out, line));
    const auto oracle = nlohmann::json::parse(line);
    const auto ids = tokenizer.encode(text);
    ASSERT_EQ(oracle[0].get<std::vector<std::uint32_t>>(), ids) << text;
    ASSERT_EQ(oracle[3].get<std::vector<std::uint32_t>>(), ids) << text;
    ASSERT_EQ(oracle[1], tokenizer.decode(ids));
    ASSERT_EQ(oracle[1], text);
    ASSERT_EQ(oracle[4], text);
    ASSERT_EQ(oracle[2], tokenizer.decode(ids, SpecialTokens::skip));
    ASSERT_EQ(oracle[5], oracle[2]);
  }
}

}  // namespace
}  // namespace reckon
