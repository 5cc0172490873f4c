#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "reckon/base/philox.h"
#include "reckon/text/tokenizer.h"
#include "reckon/text/utf8.h"
#include "support/paths.h"

namespace reckon {
namespace {

using Ids = std::vector<std::uint32_t>;

/// The vocabulary of Qwen2.5, where shared/data is there.
class Qwen : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto data = testing::shared_data();
    if (!data) return;
    folder_ = *data / "tokenizers";
    const std::string json = testing::read_text(folder_ / "qwen2.5" / "tokenizer.json");
    tokenizer_.emplace(Tokenizer::from_json(json, "tokenizer.json", "<|im_end|>"));
  }
  void SetUp() override {
    if (!tokenizer_) GTEST_SKIP() << "no shared data";
  }
  static std::filesystem::path folder_;
  static std::optional<Tokenizer> tokenizer_;
};

std::filesystem::path Qwen::folder_;
std::optional<Tokenizer> Qwen::tokenizer_;

std::vector<std::string> cut_at(const std::string& text, const std::string& separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find(separator, begin)) != std::string::npos;) {
    parts.push_back(text.substr(begin, end - begin));
    begin = end + separator.size();
  }
  parts.push_back(text.substr(begin));
  return parts;
}

TEST_F(Qwen, GivesTheGoldenIds) {  // 47 strings and the ids of the original tokenizer
  const auto texts = cut_at(testing::read_text(folder_ / "goldens" / "cases.inp"), "\n__ggml_vocab_test__\n");
  const auto lines = cut_at(testing::read_text(folder_ / "goldens" / "qwen2.out"), "\n");
  ASSERT_EQ(texts.size(), 47u);
  ASSERT_EQ(lines.size(), 47u);  // the last is empty, as is its text
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::istringstream numbers(lines[i]);
    const Ids expected{std::istream_iterator<std::uint32_t>(numbers), {}};
    EXPECT_EQ(tokenizer_->encode(texts[i]), expected) << texts[i];
    EXPECT_EQ(tokenizer_->decode(expected), texts[i]);
  }
}

TEST_F(Qwen, KnowsItsTokens) {
  EXPECT_EQ(tokenizer_->vocab_size(), 151665u);
  EXPECT_EQ(tokenizer_->eos_id(), 151645u);
  EXPECT_EQ(tokenizer_->token_id("<|endoftext|>"), 151643u);
  EXPECT_EQ(tokenizer_->token_id("\xC4\xA0the"), 279u);  // as the file writes " the"
  EXPECT_EQ(tokenizer_->token_bytes(279), " the");
  EXPECT_TRUE(tokenizer_->is_special(151643));
  EXPECT_FALSE(tokenizer_->is_special(151657));  // <tool_call>
  EXPECT_EQ(tokenizer_->encode("<|im_start|>user\nHi<|im_end|>"), (Ids{151644, 872, 198, 13048, 151645}));
  EXPECT_EQ(tokenizer_->encode("Hi", AddSpecials::yes), Ids{13048});
}

TEST_F(Qwen, ReadsBadUtf8AsPythonDoes) {
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(tokenizer_->encode("a\xFFz"), tokenizer_->encode("a" + replacement + "z"));
  EXPECT_EQ(tokenizer_->encode("<|im_end|>\xF0\x9F\x98"), tokenizer_->encode("<|im_end|>" + replacement));
  RandomStream random(1, 1);
  std::string bytes;
  for (int i = 0; i < 20000; ++i) bytes.push_back(static_cast<char>(random.below(256)));
  EXPECT_EQ(tokenizer_->encode(bytes), tokenizer_->encode(utf8_with_replacements(bytes)));
}

TEST_F(Qwen, GivesTheSameInAllThreads) {  // they fill what the model remembers of words at the same time
  std::vector<std::string> texts;
  std::istringstream lines(testing::read_text(folder_.parent_path() / "gsm8k" / "test.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    texts.push_back(nlohmann::json::parse(line)["question"].get<std::string>());
  }
  ASSERT_GT(texts.size(), 1000u);
  const Tokenizer fresh = Tokenizer::from_json(tokenizer_->to_json(), "tokenizer.json", "");
  std::vector<std::vector<Ids>> results(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < results.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < texts.size(); ++i) results[t].push_back(fresh.encode(texts[i]));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const Ids expected = tokenizer_->encode(texts[i]);
    for (const auto& result : results) ASSERT_EQ(result[i], expected) << texts[i];
    ASSERT_EQ(tokenizer_->decode(expected), texts[i]);
  }
}

TEST_F(Qwen, TakesAMegabyteOfAnything) {
#ifdef NDEBUG
  constexpr std::size_t kSize = std::size_t{1} << 20;
#else  // with sanitizers
  constexpr std::size_t kSize = std::size_t{1} << 17;
#endif
  const auto repeated = [](const std::string& piece) {
    std::string text;
    while (text.size() + piece.size() <= kSize) text += piece;
    return text;
  };
  for (const char* piece :
       {"a", "ab", "\n", " ", "7", "<|im_", "\xF0\x9F\x98\x80", "\xE4\xB8\xAD", "'", " \n", "q\xCC\x81"}) {
    const std::string text = repeated(piece);
    const auto start = std::chrono::steady_clock::now();
    const Ids ids = tokenizer_->encode(text);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    EXPECT_EQ(tokenizer_->decode(ids), text);
    // No limit on speed, but on a wrong order of growth, which takes minutes.
    EXPECT_LT(seconds.count(), 60.0) << piece;
  }
}

}  // namespace
}  // namespace reckon
