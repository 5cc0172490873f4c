#include "text/bpe_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "text/byte_alphabet.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using Ids = std::vector<std::uint32_t>;

/// A random vocabulary over a few letters, and the definition of byte-pair encoding in plain words.
struct Sample {
  std::vector<std::string> tokens = {"a", "b", "c"};
  std::vector<std::pair<std::string, std::string>> merges;

  Sample(std::uint64_t seed, int num_merges) {
    RandomStream random(seed, 1);
    const auto pick = [&] { return tokens[random.below(static_cast<std::uint32_t>(tokens.size()))]; };
    std::map<std::string, bool> known;
    for (int i = 0; i < num_merges; ++i) {
      const std::pair merge(pick(), pick());
      const std::string both = merge.first + merge.second;
      if (both.size() > 9 || known.count(merge.first + " " + merge.second) != 0) continue;
      known[merge.first + " " + merge.second] = true;
      merges.push_back(merge);
      if (std::find(tokens.begin(), tokens.end(), both) == tokens.end()) tokens.push_back(both);
    }
    std::shuffle(merges.begin(), merges.end(), std::mt19937(static_cast<unsigned>(seed)));
  }

  [[nodiscard]] BpeModel model() const {
    BpeModel bpe(BpeUnit::byte, tokens.size(), merges.size());
    for (std::uint32_t id = 0; id < tokens.size(); ++id) EXPECT_TRUE(bpe.add_token(tokens[id], id));
    for (std::uint32_t rank = 0; rank < merges.size(); ++rank) {
      const auto& [left, right] = merges[rank];
      bpe.add_merge(*bpe.id_of(left), *bpe.id_of(right), {rank, *bpe.id_of(left + right)});
    }
    bpe.finish(false, false);
    return bpe;
  }

  [[nodiscard]] std::vector<std::string> merged(const std::string& word) const {
    std::vector<std::string> parts;
    for (const char letter : word) parts.emplace_back(1, letter);
    for (;;) {
      std::size_t best = parts.size();
      std::size_t best_rank = merges.size();
      for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
        const auto found = std::find(merges.begin(), merges.end(), std::pair(parts[i], parts[i + 1]));
        const auto rank = static_cast<std::size_t>(found - merges.begin());
        if (rank < best_rank) best_rank = rank, best = i;
      }
      if (best == parts.size()) return parts;
      parts[best] += parts[best + 1];
      parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
  }
};

TEST(BpeModel, MergesAsTheDefinitionSays) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Sample sample(seed, 60);
    const BpeModel model = sample.model();
    RandomStream random(seed, 2);
    // Up to 48 units, and beyond, where another algorithm takes over.
    for (const std::uint32_t size : {1, 2, 3, 5, 8, 20, 47, 48, 49, 50, 90, 300}) {
      std::string word;
      for (std::uint32_t i = 0; i < size; ++i) word.push_back(static_cast<char>('a' + random.below(3)));
      for (int again = 0; again < 2; ++again) {  // the second time the model may know the word
        Ids ids;
        model.encode(word, 0, ids);
        std::vector<std::string> parts;
        for (const std::uint32_t id : ids) parts.push_back(sample.tokens[id]);
        ASSERT_EQ(parts, sample.merged(word)) << word;
      }
    }
    for (const std::string& token : sample.tokens) {
      Ids ids;
      model.encode(token, 0, ids);
      ASSERT_EQ(ids.size(), sample.merged(token).size()) << token;
    }
  }
}

TEST(BpeModel, ByteAlphabetIsThatOfGpt2) {
  EXPECT_EQ(byte_character('a'), "a");
  EXPECT_EQ(byte_character(' '), "\xC4\xA0");   // U+0120
  EXPECT_EQ(byte_character('\n'), "\xC4\x8A");  // U+010A
  EXPECT_EQ(byte_character(0), "\xC4\x80");     // U+0100
  EXPECT_EQ(byte_character(0xAD), "\xC5\x83");  // U+0143, the last
  EXPECT_EQ(byte_character(0xFF), "\xC3\xBF");  // itself
  for (int byte = 0; byte < 256; ++byte) {
    const auto value = static_cast<std::uint8_t>(byte);
    EXPECT_EQ(bytes_of_token(byte_character(value)), std::string(1, static_cast<char>(value)));
  }
  EXPECT_EQ(bytes_of_token("\xC4\xA0the"), " the");
  EXPECT_EQ(bytes_of_token(" the"), std::nullopt);          // a blank is not of the alphabet
  EXPECT_EQ(bytes_of_token("\xE4\xB8\xAD"), std::nullopt);  // nor is an ideograph
  EXPECT_EQ(bytes_of_token("\xC5\x84"), std::nullopt);      // U+0144
}

TEST(BpeModel, TellsTokensOfBytesFromOthersThatReadAlike) {
  BpeModel model(BpeUnit::byte, 4, 0);
  EXPECT_TRUE(model.add_token("\xC4\xA0", 0));  // stands for a blank
  EXPECT_TRUE(model.add_token(" ", 1));         // stands for nothing that a word can hold
  EXPECT_TRUE(model.add_token("a", 2));
  EXPECT_FALSE(model.add_token("a", 3));
  model.finish(false, false);
  EXPECT_EQ(model.id_of("\xC4\xA0"), 0u);
  EXPECT_EQ(model.id_of(" "), 1u);
  EXPECT_EQ(model.id_of("b"), std::nullopt);
  Ids ids;
  model.encode(" a", 0, ids);
  EXPECT_THAT(ids, ElementsAre(0, 2));
}

TEST(BpeModel, FallsBackToBytesWhereAllAreThere) {
  BpeModel model(BpeUnit::character, 4, 0);
  EXPECT_TRUE(model.add_token("a", 0));
  EXPECT_TRUE(model.add_token("<0xC3>", 1));
  EXPECT_TRUE(model.add_token("<0xA9>", 2));
  model.finish(false, true);
  Ids ids;
  model.encode("a\xC3\xA9", 0, ids);
  EXPECT_THAT(ids, ElementsAre(0, 1, 2));
  try {
    model.encode("a\xC3\xA8", 5, ids);  // <0xA8> is not there
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "encode: U+00E8 '\xC3\xA8' at byte 6 is not in the tokenizer's vocabulary");
  }
}

TEST(BpeModel, NamesAByteOutsideTheVocabulary) {
  BpeModel model(BpeUnit::byte, 1, 0);
  EXPECT_TRUE(model.add_token("a", 0));
  model.finish(false, false);
  Ids ids;
  try {
    model.encode("a\xC3", BpeModel::kNoOffset, ids);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_STREQ(error.what(), "encode: the byte 195 is not in the tokenizer's vocabulary");
  }
}

}  // namespace
}  // namespace reckon
