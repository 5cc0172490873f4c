#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reckon/text/token_stream.h"
#include "reckon/text/tokenizer.h"
#include "support/paths.h"

namespace reckon {
namespace {

using Ids = std::vector<std::uint32_t>;

std::string streamed(const Tokenizer& tokenizer, const Ids& ids, SpecialTokens special) {
  TokenStream stream(tokenizer, special);
  std::string text;
  for (const std::uint32_t id : ids) text += stream.give(id);
  return text + stream.end();
}

#ifdef NDEBUG
const int kNumStrings = 10000;
#else  // with sanitizers
const int kNumStrings = static_cast<int>(testing::sweep_size(1000, 10000));
#endif

/// The kinds of tests/text/bpe_oracle.py.
class BpeOracle : public ::testing::TestWithParam<const char*> {};

TEST_P(BpeOracle, PythonGivesTheSameIdsAndText) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no oracle Python";
  const std::string kind = GetParam();
  std::string file;
  if (kind == "qwen") {
    const auto data = testing::shared_data();
    if (!data) GTEST_SKIP() << "no shared data";
    file = (*data / "tokenizers" / "qwen2.5" / "tokenizer.json").string();
  }
  const testing::TempDir folder;
  const auto script = testing::source_dir() / "tests" / "text" / "bpe_oracle.py";
  const auto result = testing::run_command("TOKENIZERS_PARALLELISM=false " + python->string() + " " +
                                           script.string() + " " + kind + " " + std::to_string(kNumStrings) +
                                           " " + folder.path().string() + " " + file);
  ASSERT_EQ(result.exit_code, 0) << result.output;

  const Tokenizer tokenizer =
      Tokenizer::from_json(testing::read_text(folder.path() / "tokenizer.json"), "tokenizer.json", "");
  std::ifstream lines(folder.path() / "strings.jsonl");
  std::string line;
  int num_strings = 0;
  for (; std::getline(lines, line); ++num_strings) {
    const auto oracle = nlohmann::json::parse(line);
    const auto text = oracle["text"].get<std::string>();
    const auto ids = oracle["ids"].get<Ids>();
    ASSERT_EQ(tokenizer.encode(text), ids) << oracle["text"];
    ASSERT_EQ(tokenizer.encode(text, AddSpecials::yes), oracle["with_specials"].get<Ids>()) << text;
    ASSERT_EQ(tokenizer.decode(ids), oracle["kept"]) << oracle["ids"];
    ASSERT_EQ(tokenizer.decode(ids, SpecialTokens::skip), oracle["skipped"]) << oracle["ids"];
    const auto some = oracle["some"].get<Ids>();
    for (const auto special : {SpecialTokens::keep, SpecialTokens::skip}) {
      const auto& expected = oracle[special == SpecialTokens::keep ? "some_kept" : "some_skipped"];
      ASSERT_EQ(tokenizer.decode(some, special), expected) << oracle["some"];
      ASSERT_EQ(streamed(tokenizer, some, special), expected) << oracle["some"];
    }
  }
  EXPECT_EQ(num_strings, kNumStrings);
}

INSTANTIATE_TEST_SUITE_P(Kinds, BpeOracle,
                         ::testing::Values("qwen", "llama3", "deepseek", "gpt2", "o200k", "characters"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace reckon
