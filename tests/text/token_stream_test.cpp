#include "reckon/text/token_stream.h"

#include <gtest/gtest.h>

#include "reckon/base/error.h"

namespace reckon {
namespace {

/// A tokenizer of bytes: "a" 0, the bytes of an e acute 1 and 2, of an emoji 3 .. 6, and a special token 7.
Tokenizer byte_tokenizer() {
  const char* const file = R"({"added_tokens": [{"id": 7, "content": "<|end|>", "special": true}],
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false},
    "decoder": {"type": "ByteLevel"}, "model": {"type": "BPE", "merges": [],
    "vocab": {"a": 0, "\u00c3": 1, "\u00a9": 2, "\u00f0": 3, "\u0141": 4, "\u013a": 5, "\u0122": 6}}})";
  return Tokenizer::from_json(file, "t.json", "<|end|>");
}

TEST(TokenStream, HoldsBackACharacterUntilItIsWhole) {
  const Tokenizer tokenizer = byte_tokenizer();
  const std::string text = "a\xC3\xA9\xF0\x9F\x98\x80";
  const std::vector<std::uint32_t> ids = {0, 1, 2, 3, 4, 5, 6};
  ASSERT_EQ(tokenizer.encode(text), ids);
  ASSERT_EQ(tokenizer.decode(ids), text);
  TokenStream stream(tokenizer);
  EXPECT_EQ(stream.give(0), "a");
  EXPECT_EQ(stream.give(1), "");
  EXPECT_EQ(stream.give(2), "\xC3\xA9");
  EXPECT_EQ(stream.give(3), "");
  EXPECT_EQ(stream.give(4), "");
  EXPECT_EQ(stream.give(5), "");
  EXPECT_EQ(stream.give(6), "\xF0\x9F\x98\x80");
  EXPECT_EQ(stream.end(), "");
}

TEST(TokenStream, ReplacesWhatNeverBecomesACharacter) {
  const Tokenizer tokenizer = byte_tokenizer();
  TokenStream stream(tokenizer);
  EXPECT_EQ(stream.give(3), "");
  EXPECT_EQ(stream.give(4), "");
  EXPECT_EQ(stream.give(0),
            "\xEF\xBF\xBD"
            "a");                             // two bytes of an emoji are one U+FFFD
  EXPECT_EQ(stream.give(2), "\xEF\xBF\xBD");  // it continues nothing
  EXPECT_EQ(stream.give(1), "");
  EXPECT_EQ(stream.end(), "\xEF\xBF\xBD");
  EXPECT_EQ(stream.end(), "");
  EXPECT_EQ(tokenizer.decode(std::vector<std::uint32_t>{3, 4, 0, 2, 1}),
            "\xEF\xBF\xBD"
            "a\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(TokenStream, LeavesOutSpecialTokensOnRequest) {
  TokenStream skipping(byte_tokenizer(), SpecialTokens::skip);
  EXPECT_EQ(skipping.give(1), "");
  EXPECT_EQ(skipping.give(7), "");
  EXPECT_EQ(skipping.give(2), "\xC3\xA9");  // the bytes come together
  TokenStream keeping(byte_tokenizer());
  EXPECT_EQ(keeping.give(1), "");
  EXPECT_EQ(keeping.give(7), "\xEF\xBF\xBD<|end|>");
  EXPECT_THROW((void)keeping.give(8), Error);
}

}  // namespace
}  // namespace reckon
