#include "reckon/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "reckon/base/error.h"
#include "reckon/base/sha256.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Ids = std::vector<std::uint32_t>;

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "no error";
}

TEST(Tokenizer, NumbersSpecialTokensThenCharactersInCodePointOrder) {
  const Tokenizer tokenizer = Tokenizer::character_level(
      "b\xC3\xA9"
      "a1b");  // b, e acute, a, 1, b
  EXPECT_EQ(tokenizer.vocab_size(), 9u);
  EXPECT_EQ(tokenizer.token_id("<think>"), 0u);
  EXPECT_EQ(tokenizer.token_id("</think>"), 1u);
  EXPECT_EQ(tokenizer.token_id("<answer>"), 2u);
  EXPECT_EQ(tokenizer.token_id("</answer>"), 3u);
  EXPECT_EQ(tokenizer.eos_id(), 4u);
  EXPECT_THAT(tokenizer.encode("1ab\xC3\xA9"), ElementsAre(5, 6, 7, 8));
  EXPECT_EQ(tokenizer.token_id("z"), std::nullopt);
}

TEST(Tokenizer, FindsSpecialTokensInsideText) {
  const Tokenizer tokenizer = Tokenizer::character_level("<>/think1|");
  const std::string text = "1<think>1<think1</think><answer>1</answer><|eos|>";  // "<think1" is plain text
  // ids: / 5, 1 6, < 7, > 8, h 9, i 10, k 11, n 12, t 13, | 14
  const Ids ids = {6, 0, 6, 7, 13, 9, 10, 12, 11, 6, 1, 2, 6, 3, 4};
  EXPECT_EQ(tokenizer.encode(text), ids);
  EXPECT_EQ(tokenizer.decode(ids), text);
  EXPECT_EQ(tokenizer.decode(ids, SpecialTokens::skip), "11<think11");
  EXPECT_EQ(tokenizer.encode(""), Ids{});
}

TEST(Tokenizer, NamesACharacterOutsideTheVocabulary) {
  const Tokenizer tokenizer = Tokenizer::character_level("12");
  EXPECT_EQ(message_of([&] { (void)tokenizer.encode("1<think>2\xC3\xA9"); }),
            "encode: U+00E9 '\xC3\xA9' at byte 9 is not in the tokenizer's vocabulary");
  EXPECT_EQ(message_of([&] { (void)tokenizer.encode("1x"); }),
            "encode: U+0078 'x' at byte 1 is not in the tokenizer's vocabulary");
  EXPECT_EQ(message_of([&] { (void)tokenizer.encode("12\xFF"); }),
            "encode: byte 2 is not UTF-8 (need UTF-8 text)");
}

TEST(Tokenizer, NamesAnIdOutsideTheVocabulary) {
  const Tokenizer tokenizer = Tokenizer::character_level("12");
  const Ids ids = {5, 7};
  EXPECT_EQ(message_of([&] { (void)tokenizer.decode(ids); }),
            "decode: token id 7 is outside the vocabulary (need 0 .. 6)");
}

TEST(Tokenizer, ReadsWhatItWrote) {
  const Tokenizer written = Tokenizer::character_level("ab \n\"\\\t\xE2\x82\xAC");
  const Tokenizer read = Tokenizer::from_json(written.to_json(), "tokenizer.json");
  EXPECT_EQ(read.to_json(), written.to_json());
  EXPECT_EQ(read.sha256(), sha256_hex(written.to_json()));
  const std::string text = "a\n\"\\\t\xE2\x82\xAC <think>b";
  EXPECT_EQ(read.encode(text), written.encode(text));
  EXPECT_EQ(read.decode(written.encode(text)), text);
}

TEST(Tokenizer, DoesNotDependOnTheOrderOfTheAlphabet) {
  EXPECT_EQ(Tokenizer::character_level("abc").sha256(), Tokenizer::character_level("cbaab").sha256());
  EXPECT_NE(Tokenizer::character_level("abc").sha256(), Tokenizer::character_level("abd").sha256());
}

/// A tokenizer.json of the characters a and b, with one piece of it replaced.
std::string file_with(const std::string& from = "", const std::string& to = "") {
  std::string text = R"({"version": "1.0", "truncation": null, "padding": null,
 "added_tokens": [{"id": 0, "content": "<|eos|>", "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true}],
 "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": {"type": "Fuse"},
 "model": {"type": "BPE", "dropout": null, "unk_token": null, "vocab": {"<|eos|>": 0, "a": 1, "b": 2}, "merges": []}})";
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(TokenizerFile, ReadsAHandWrittenOne) {
  const Tokenizer tokenizer = Tokenizer::from_json(file_with(), "t.json");
  EXPECT_THAT(tokenizer.encode("ba<|eos|>"), ElementsAre(2, 1, 0));
}

TEST(TokenizerFile,
     ReadsAddedTokensThatFollowTheVocabulary) {  // as `tokenizers` writes added tokens of its own
  const std::string text = file_with(R"("special": true})", R"("special": true},
    {"id": 3, "content": "ab", "lstrip": false, "rstrip": false, "single_word": false, "normalized": false, "special": false},
    {"id": 4, "content": "abb", "lstrip": false, "rstrip": false, "single_word": false, "normalized": false, "special": false})");
  const Tokenizer tokenizer = Tokenizer::from_json(text, "t.json");
  EXPECT_THAT(tokenizer.encode("aababbab"), ElementsAre(1, 3, 4, 3));  // leftmost, then longest
  EXPECT_EQ(tokenizer.decode(Ids{3, 0}, SpecialTokens::skip), "ab");   // ab is added but not special
}

struct BadFile {
  std::string from;
  std::string to;
  std::string message;
};

TEST(TokenizerFile, RefusesByNameWhatItDoesNotSupport) {
  const BadFile cases[] = {
      {R"("type": "BPE")", R"("type": "Unigram")", "model \"Unigram\" is not supported (need \"BPE\")"},
      {R"("normalizer": null)", R"("normalizer": {"type": "NFC"})", "normalizer \"NFC\" is not supported"},
      {R"("pre_tokenizer": null)", R"("pre_tokenizer": {"type": "ByteLevel"})",
       "pre_tokenizer \"ByteLevel\" is not supported"},
      {R"("post_processor": null)", R"("post_processor": {"type": "TemplateProcessing"})",
       "post_processor \"TemplateProcessing\" is not supported"},
      {R"("truncation": null)", R"("truncation": {"max_length": 4})", "truncation is not supported"},
      {R"({"type": "Fuse"})", R"({"type": "ByteLevel"})",
       "decoder \"ByteLevel\" is not supported (need \"Fuse\")"},
      {R"({"type": "Fuse"})", "null", "decoder null is not supported"},
      {R"("merges": [])", R"("merges": [["a", "b"]])", "1 merges are not supported"},
      {R"("unk_token": null)", R"("unk_token": "a")", "model.unk_token = \"a\" is not supported"},
      {R"("b": 2)", R"("ab": 2)", "token \"ab\" (id 2) has several characters"},
      {R"("lstrip": false)", R"("lstrip": true)", "lstrip = true is not supported"},
  };
  for (const BadFile& c : cases) {
    const std::string text = file_with(c.from, c.to);
    EXPECT_THAT(message_of([&] { (void)Tokenizer::from_json(text, "t.json"); }), HasSubstr("t.json: "));
    EXPECT_THAT(message_of([&] { (void)Tokenizer::from_json(text, "t.json"); }), HasSubstr(c.message));
  }
}

TEST(TokenizerFile, RefusesWrongIdsAndMalformedFiles) {
  const BadFile cases[] = {
      {R"("b": 2)", R"("b": 1)", "tokens \"a\" and \"b\" both have id 1"},
      {R"("b": 2)", R"("b": -2)", "token \"b\" has id -2 (need a whole number, 0 .. 2147483647)"},
      {R"("b": 2)", R"("b": 1.9)", "token \"b\" has id 1.9"},
      {R"("b": 2)", R"("b": "2")", "token \"b\" has id \"2\""},
      {R"("b": 2)", R"("b": 99999999999)", "token \"b\" has id 99999999999"},
      {R"("b": 2)", R"("b": 3)", "no token has id 2, the next is 3"},
      {R"("b": 2)", R"("b": 2, "b": 2)", "key \"b\" stands twice"},
      {R"("b": 2)", R"("": 2)", "the vocabulary holds an empty token"},
      {R"("id": 0)", R"("id": 1)", "added token \"<|eos|>\" has id 1, in model.vocab 0"},
      {R"("id": 0, "content": "<|eos|>")", R"("id": 5, "content": "<x>")",
       "added token \"<x>\" is not in model.vocab and has id 5 (need the next free id, 3)"},
      {R"("content": "<|eos|>",)", "", "no \"content\""},
      {R"("vocab": {"<|eos|>": 0, "a": 1, "b": 2})", R"("vocab": [])", "model.vocab is missing or no object"},
      {R"("model")", R"("modem")", "no \"model\""},
      {R"(]}})", "", "not JSON"},
  };
  for (const BadFile& c : cases) {
    const std::string text = file_with(c.from, c.to);
    EXPECT_THAT(message_of([&] { (void)Tokenizer::from_json(text, "t.json"); }), HasSubstr(c.message));
  }
  EXPECT_EQ(message_of([] { (void)Tokenizer::from_json("[]", "t.json"); }),
            "t.json: the file holds a JSON array (need an object)");
  EXPECT_EQ(message_of([] { (void)Tokenizer::from_json(file_with(), "t.json", "<end>"); }),
            "t.json: the vocabulary has no end-of-sequence token \"<end>\"");
}

TEST(TokenizerFile, RefusesEveryCutOffFile) {
  const std::string text = Tokenizer::character_level("ab").to_json();
  for (std::size_t size = 0; size + 2 < text.size(); size += 7) {
    EXPECT_THROW((void)Tokenizer::from_json(text.substr(0, size), "t.json"), Error) << size;
  }
}

}  // namespace
}  // namespace reckon
