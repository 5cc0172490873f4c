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
      {R"("version": "1.0")", R"("version": "2.0")", "version \"2.0\" is not supported (need \"1.0\")"},
      {R"("type": "BPE")", R"("type": "Unigram")", "model \"Unigram\" is not supported (need \"BPE\")"},
      {R"("type": "BPE")", R"("type": "WordPiece")", "model \"WordPiece\" is not supported"},
      {R"("type": "BPE")", R"("type": "WordLevel")", "model \"WordLevel\" is not supported"},
      {R"("normalizer": null)", R"("normalizer": {"type": "NFKC"})",
       "normalizer \"NFKC\" is not supported (need null, \"NFC\" or a \"Sequence\" of it)"},
      {R"("normalizer": null)",
       R"("normalizer": {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]})",
       "normalizer \"Lowercase\" is not supported"},
      {R"("pre_tokenizer": null)", R"("pre_tokenizer": {"type": "Metaspace"})",
       "pre_tokenizer \"Metaspace\" is not supported (need null, \"Split\", \"Digits\", \"ByteLevel\""},
      {R"("pre_tokenizer": null)",
       R"("pre_tokenizer": {"type": "Split", "behavior": "Isolated", "invert": false})",
       "pre_tokenizer Split: no \"pattern\""},
      {R"("pre_tokenizer": null)",
       R"("pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithNext"})",
       "pre_tokenizer Split: behavior \"MergedWithNext\" is not supported (need \"Isolated\" or "
       "\"Removed\")"},
      {R"("pre_tokenizer": null)",
       R"x("pre_tokenizer": {"type": "Split", "pattern": {"Regex": "a(?=b)"}, "behavior": "Isolated"})x",
       "t.json: pre_tokenizer Split: the pattern a(?=b) is not supported: at byte 1 it has \"(?=b\", an "
       "unknown group."},
      {R"("pre_tokenizer": null)",
       R"("pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}, {"type": "Digits"}]})",
       "pre_tokenizer \"Digits\" behind \"ByteLevel\" is not supported"},
      {R"("pre_tokenizer": null)", R"("pre_tokenizer": {"type": "ByteLevel", "use_regex": 1})",
       "pre_tokenizer ByteLevel: use_regex = 1 (need true or false)"},
      {R"("pre_tokenizer": null)", R"("pre_tokenizer": {"type": "ByteLevel"})",
       "decoder \"Fuse\" is not supported (need \"ByteLevel\" as in the pre_tokenizer)"},
      {R"("post_processor": null)", R"("post_processor": {"type": "BertProcessing"})",
       "post_processor \"BertProcessing\" is not supported (need null, \"TemplateProcessing\", "
       "\"ByteLevel\""},
      {R"({"type": "Fuse"})", R"({"type": "ByteLevel"})",
       "decoder \"ByteLevel\" is not supported (need \"Fuse\")"},
      {R"({"type": "Fuse"})", R"({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip"}]})",
       "decoder \"Strip\" is not supported"},
      {R"({"type": "Fuse"})", R"({"type": "Sequence", "decoders": []})", "decoder Sequence has no \"Fuse\""},
      {R"({"type": "Fuse"})", "null", "decoder null is not supported"},
      {R"("unk_token": null)", R"("unk_token": "a")", "model.unk_token = \"a\" is not supported (need null)"},
      {R"("dropout": null)", R"("dropout": 0.1)", "model.dropout = 0.1 is not supported"},
      {R"("unk_token": null)", R"("unk_token": null, "end_of_word_suffix": "</w>")",
       "model.end_of_word_suffix = \"</w>\" is not supported"},
  };
  for (const BadFile& c : cases) {
    const std::string text = file_with(c.from, c.to);
    EXPECT_THAT(message_of([&] { (void)Tokenizer::from_json(text, "t.json"); }), HasSubstr("t.json: "));
    EXPECT_THAT(message_of([&] { (void)Tokenizer::from_json(text, "t.json"); }), HasSubstr(c.message));
  }
}

TEST(TokenizerFile, RefusesMergesThatMakeNoToken) {
  const BadFile cases[] = {
      {"[]", R"(["a b"])",
       R"(model.merges, entry 0 joins "a" and "b", but "ab" is not in model.vocab (need both and what they make))"},
      {"[]", R"([["a", "c"]])", R"(model.merges, entry 0 joins "a" and "c", but "c" is not in model.vocab)"},
      {"[]", R"(["a b c"])",
       R"(model.merges, entry 0 is "a b c" (need two tokens and one blank between them))"},
      {"[]", R"(["ab"])", R"(model.merges, entry 0 is "ab" (need two tokens)"},
      {"[]", R"(["a "])", R"(model.merges, entry 0 joins "a" and "", but "" is not in model.vocab)"},
      {"[]", R"([["a", "b", "b"]])", R"(model.merges, entry 0 is ["a","b","b"] (need a pair of strings))"},
      {"[]", R"([["a", 2]])", R"(model.merges, entry 0 is 2 (need a string))"},
      {"[]", R"([2])", R"(model.merges, entry 0 is 2 (need a string))"},
      {"[]", R"({})", R"(model: "merges" is missing or no array)"},
  };
  for (const BadFile& c : cases) {
    const std::string text = file_with(R"("merges": []}})", R"("merges": )" + c.to + "}}");
    EXPECT_THAT(message_of([&] { (void)Tokenizer::from_json(text, "t.json"); }), HasSubstr(c.message));
  }
  const std::string mixed =
      file_with(R"("b": 2}, "merges": [])", R"("b": 2, "ab": 3}, "merges": ["a b", ["a", "b"]])");
  EXPECT_THAT(message_of([&] { (void)Tokenizer::from_json(mixed, "t.json"); }),
              HasSubstr(R"(model.merges, entry 1 is ["a","b"] (need all strings or all pairs))"));
}

TEST(TokenizerFile, RefusesTemplatesThatAddNoToken) {
  const auto file_with_template = [](const std::string& single, const std::string& special_tokens) {
    return file_with(
        R"("post_processor": null)", R"("post_processor": {"type": "TemplateProcessing", "pair": [],
        "single": )" + single + R"(, "special_tokens": )" +
                                         special_tokens + "}");
  };
  const std::string kBos =
      R"([{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}])";
  const auto tokens_with = [](const std::string& ids) {
    return R"({"<s>": {"id": "<s>", "ids": )" + ids + R"(, "tokens": ["<s>"]}})";
  };
  const BadFile cases[] = {
      {kBos, "{}", R"(special_tokens has no "<s>" (need its ids))"},
      {kBos, tokens_with("[9]"), "post_processor adds the token id 9, which no token has"},
      {kBos, tokens_with("[-1]"), R"("<s>" has id -1 (need a whole number)"},
      {kBos, tokens_with("7"), R"("ids" is missing or no array)"},
      {R"([{"Sequence": {"id": "B", "type_id": 0}}])", "{}", R"(sequence "B" in "single" (need "A"))"},
      {R"([{"Token": "<s>"}])", "{}", R"(holds {"Token":"<s>"} (need "Sequence" or "SpecialToken"))"},
      {"[]", "{}", R"("single" is empty)"},
  };
  for (const BadFile& c : cases) {
    const std::string text = file_with_template(c.from, c.to);
    EXPECT_THAT(message_of([&] { (void)Tokenizer::from_json(text, "t.json"); }), HasSubstr(c.message));
  }
  const Tokenizer tokenizer = Tokenizer::from_json(file_with_template(kBos, tokens_with("[0]")), "t.json");
  EXPECT_THAT(tokenizer.encode("ab"), ElementsAre(1, 2));
  EXPECT_THAT(tokenizer.encode("ab", AddSpecials::yes), ElementsAre(0, 1, 2));
}

TEST(TokenizerFile, IgnoresTruncationAndPadding) {  // `transformers` asks for them at each call
  const std::string text = file_with(R"("truncation": null, "padding": null)",
                                     R"("truncation": {"max_length": 1}, "padding": {"length": 9})");
  EXPECT_THAT(Tokenizer::from_json(text, "t.json").encode("ab"), ElementsAre(1, 2));
}

TEST(TokenizerFile, MergesLowestRankFirstThenLeftmost) {
  // b+a before a+b; "aab" has only a+b, and "aa" of the two a-pairs of "aaa" is the left one.
  const std::string text =
      file_with(R"("b": 2}, "merges": [])",
                R"("b": 2, "ab": 3, "ba": 4, "aa": 5, "aab": 6}, "merges": ["b a", "a b", "a a", "aa b"])");
  const Tokenizer tokenizer = Tokenizer::from_json(text, "t.json");
  EXPECT_THAT(tokenizer.encode("aba"), ElementsAre(1, 4));
  EXPECT_THAT(tokenizer.encode("aab"), ElementsAre(1, 3));  // a token that the merges do not make
  EXPECT_THAT(tokenizer.encode("aaa"), ElementsAre(5, 1));
  EXPECT_THAT(tokenizer.encode("bab"), ElementsAre(4, 2));
  const std::string ignoring = text.substr(0, text.size() - 2) + R"(, "ignore_merges": true}})";
  EXPECT_THAT(Tokenizer::from_json(ignoring, "t.json").encode("aab"), ElementsAre(6));
  // Of a pair that has two merges the later one counts.
  std::string twice = text;
  twice.replace(twice.find(R"(["b a")"), 6, R"(["a b", "b a")");
  EXPECT_THAT(Tokenizer::from_json(twice, "t.json").encode("aba"), ElementsAre(1, 4));
}

TEST(TokenizerFile, NumbersMayHaveGaps) {
  const Tokenizer tokenizer = Tokenizer::from_json(file_with(R"("b": 2)", R"("b": 7)"), "t.json");
  EXPECT_EQ(tokenizer.vocab_size(), 8u);
  EXPECT_TRUE(tokenizer.is_token(7));
  EXPECT_FALSE(tokenizer.is_token(2));
  EXPECT_FALSE(tokenizer.is_token(8));
  EXPECT_EQ(tokenizer.token_bytes(7), "b");
  EXPECT_EQ(message_of([&] {
              (void)tokenizer.decode(Ids{1, 2});
            }),
            "decode: token id 2 is in a gap of the vocabulary (need the id of a token)");
  EXPECT_EQ(message_of([&] { (void)tokenizer.decode(Ids{8}); }),
            "decode: token id 8 is outside the vocabulary (need 0 .. 7)");
  EXPECT_EQ(message_of([&] { (void)tokenizer.token_bytes(3); }),
            "token_bytes: token id 3 is in a gap of the vocabulary (need the id of a token)");
}

TEST(TokenizerFile, NeedsNoEndOfSequenceToken) {
  const Tokenizer tokenizer = Tokenizer::from_json(file_with(), "t.json", "");
  EXPECT_FALSE(tokenizer.has_eos());
  EXPECT_EQ(tokenizer.tokenizer_config_json().find("eos_token"), std::string::npos);
  try {
    (void)tokenizer.eos_id();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::internal);
    EXPECT_STREQ(error.what(), "eos_id: the tokenizer was read without an end-of-sequence token");
  }
  EXPECT_TRUE(Tokenizer::from_json(file_with(), "t.json").has_eos());
  EXPECT_EQ(Tokenizer::from_json(file_with(), "t.json", "b").eos_id(), 2u);
}

TEST(TokenizerFile, RefusesWrongIdsAndMalformedFiles) {
  const BadFile cases[] = {
      {R"("b": 2)", R"("b": 1)", "tokens \"a\" and \"b\" both have id 1"},
      {R"("b": 2)", R"("b": -2)", "token \"b\" has id -2 (need a whole number, 0 .. 2147483647)"},
      {R"("b": 2)", R"("b": 1.9)", "token \"b\" has id 1.9"},
      {R"("b": 2)", R"("b": "2")", "token \"b\" has id \"2\""},
      {R"("b": 2)", R"("b": 99999999999)", "token \"b\" has id 99999999999"},
      {R"("b": 2)", R"("b": 1025)",
       "token \"b\" has id 1025 (need at most 1024 in a vocabulary of this size)"},
      {R"("b": 2)", R"("b": 2, "b": 2)", "key \"b\" stands twice"},
      {R"("b": 2)", R"("b": 2, "b": 3)", "key \"b\" stands twice"},
      {R"("normalizer": null)", R"("normalizer": null, "normalizer": null)",
       "key \"normalizer\" stands twice"},
      {R"("b": 2)", R"("\ud800": 2)", "not JSON: Problem while parsing a string"},
      {R"("b": 2)", R"("\ud800\u0062": 2)", "not JSON: Problem while parsing a string"},
      {R"("b": 2)", R"("\udc00": 2)", "not JSON: Problem while parsing a string"},
      {R"("content": "<|eos|>")", R"("content": "\udc00")", "not JSON: Problem while parsing a string"},
      {R"("normalizer": null)", R"("normalizer": )" + std::string(70, '[') + std::string(70, ']'),
       "JSON nested deeper than 64 levels"},
      {R"("lstrip": false)", R"("lstrip": 0)", "added token \"<|eos|>\": lstrip = 0 (need true or false)"},
      {R"("special": true)", R"("special": null)", "added token \"<|eos|>\": no \"special\""},
      {R"("id": 0)", R"("id": 0.0)", "token \"<|eos|>\" has id 0.0"},
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
