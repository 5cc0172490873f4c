#include <gtest/gtest.h>

#include <string>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/text/tokenizer.h"
#include "support/paths.h"

namespace reckon {
namespace {

/// A small file with every part that is read.
const std::string kFile = R"({"version": "1.0", "truncation": null, "padding": null,
 "added_tokens": [
  {"id": 0, "content": "<s>", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
  {"id": 9, "content": "<m\u00e9>", "single_word": true, "lstrip": true, "rstrip": true, "normalized": true, "special": false}],
 "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}]},
 "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
  {"type": "Digits", "individual_digits": true},
  {"type": "Split", "pattern": {"Regex": "(?i:'s|'t)|[^\\r\\n\\p{L}]?\\p{L}+|\\p{N}{1,3}|\\s+(?!\\S)|\\s+"}, "behavior": "Isolated", "invert": false},
  {"type": "Split", "pattern": {"String": "ab"}, "behavior": "Removed", "invert": true},
  {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}]},
 "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
  {"Sequence": {"id": "A", "type_id": 0}}], "pair": [], "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}},
 "decoder": {"type": "Sequence", "decoders": [{"type": "ByteLevel"}, {"type": "Fuse"}]},
 "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
  "fuse_unk": false, "byte_fallback": true, "ignore_merges": true,
  "vocab": {"<s>": 0, "a": 1, "b": 2, "\u0120": 3, "ab": 4, "\u0120ab": 5, "1": 6, "\u00c3": 7, "<0x41>": 8},
  "merges": ["a b", "\u0120 ab"]}})";

/// Reads a file that may be broken and, where it can be read, uses the tokenizer. \return whether it could.
bool survives(const std::string& json) {
  try {
    const Tokenizer tokenizer = Tokenizer::from_json(json, "t.json", "");
    for (std::uint32_t id = 0; id < tokenizer.vocab_size(); ++id) {
      if (tokenizer.is_token(id)) (void)tokenizer.decode(std::span(&id, 1));
    }
    try {
      (void)tokenizer.encode("<s> ab1 a'S <m\xC3\xA9> ba\n\n 11 e\xCC\x81\xFF<m\xC3\xA9><s>",
                             AddSpecials::yes);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data) << error.what();
    }
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("t.json: ", 0), 0u) << error.what();
    return false;
  }
}

TEST(TokenizerMalformed, TheWholeFileIsRead) {
  ASSERT_TRUE(survives(kFile));
  const Tokenizer tokenizer = Tokenizer::from_json(kFile, "t.json", "<s>");
  // A Digits piece " 1" loses all but "ab" in the split that is inverted; each piece then gets its blank.
  EXPECT_EQ(tokenizer.encode("ab1ab<s>ab", AddSpecials::yes), (std::vector<std::uint32_t>{0, 5, 5, 0, 5}));
  EXPECT_EQ(tokenizer.decode(std::vector<std::uint32_t>{5, 9}),
            " ab<m\xEF\xBF\xBD>");  // U+00E9 stands for a byte
}

TEST(TokenizerMalformed, EveryCutOffFileIsRefused) {
  for (std::size_t size = 0; size < kFile.size(); ++size) {
    EXPECT_FALSE(survives(kFile.substr(0, size))) << size;
  }
}

TEST(TokenizerMalformed, NoChangedByteDoesHarm) {
  RandomStream random(11, 1);
  const std::string interesting = "\"\\{}[]:,0123456789-.eE+*?|()^<> anulltrue\xC3\xFF\n";
#ifdef NDEBUG
  const std::size_t num_files = testing::sweep_size(5000, 100000);
#else  // with sanitizers
  const std::size_t num_files = testing::sweep_size(1500, 15000);
#endif
  std::size_t num_read = 0;
  for (std::size_t i = 0; i < num_files; ++i) {
    std::string file = kFile;
    const std::uint32_t num_changes = 1 + random.below(3);
    for (std::uint32_t k = 0; k < num_changes; ++k) {
      const std::uint32_t at = random.below(static_cast<std::uint32_t>(file.size()));
      const char byte = interesting[random.below(static_cast<std::uint32_t>(interesting.size()))];
      switch (random.below(4)) {
        case 0:
          file[at] = byte;
          break;
        case 1:
          file.erase(at, 1 + random.below(4));
          break;
        case 2:
          file.insert(at, 1, byte);
          break;
        default:
          file.insert(at, file.substr(at, 1 + random.below(40)));
          break;
      }
    }
    num_read += survives(file) ? 1 : 0;
  }
  EXPECT_GT(num_read, num_files / 100);  // both ways were tried
  EXPECT_LT(num_read, num_files);
}

}  // namespace
}  // namespace reckon
