#include "text/added_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace reckon {
namespace {

using ::testing::ElementsAre;

struct Flags {
  bool single_word = false;
  bool lstrip = false;
  bool rstrip = false;
};

/// A finder of tokens numbered from 0.
AddedTokenFinder finder_of(const std::vector<std::string>& texts, const Flags& flags = {}) {
  AddedTokenFinder finder;
  for (std::uint32_t id = 0; id < texts.size(); ++id) {
    AddedToken token;
    token.id = id;
    token.single_word = flags.single_word;
    token.lstrip = flags.lstrip;
    token.rstrip = flags.rstrip;
    finder.add(texts[id], token);
  }
  finder.finish();
  return finder;
}

/// The pieces of a text: plain ones as they stand, tokens as "#id".
std::vector<std::string> pieces_of(const AddedTokenFinder& finder, const std::string& text) {
  std::vector<std::string> pieces;
  finder.split(
      text, [&](std::size_t begin, std::size_t end) { pieces.push_back(text.substr(begin, end - begin)); },
      [&](std::uint32_t id) { pieces.push_back("#" + std::to_string(id)); });
  return pieces;
}

TEST(AddedTokens, AreFoundLeftmostThenLongest) {
  const AddedTokenFinder finder = finder_of({"<a>", "<a><b>", "b>x", "<"});
  EXPECT_THAT(pieces_of(finder, "1<a>2"), ElementsAre("1", "#0", "2"));
  EXPECT_THAT(pieces_of(finder, "<a><b>x"), ElementsAre("#1", "x"));
  EXPECT_THAT(pieces_of(finder, "<a><bb>x"), ElementsAre("#0", "#3", "b", "#2"));  // back from "<b" to "<"
  EXPECT_THAT(pieces_of(finder, "<a"), ElementsAre("#3", "a"));
  EXPECT_THAT(pieces_of(finder, "plain"), ElementsAre("plain"));
  EXPECT_THAT(pieces_of(finder, ""), ElementsAre());
  EXPECT_THAT(pieces_of(finder_of({}), "<a>"), ElementsAre("<a>"));
}

TEST(AddedTokens, TakeBlanksOnTheirSides) {
  const AddedTokenFinder left = finder_of({"<m>"}, {.lstrip = true});
  EXPECT_THAT(pieces_of(left, "a \n <m> b"), ElementsAre("a", "#0", " b"));
  EXPECT_THAT(pieces_of(left, "\xE3\x80\x80<m><m>"), ElementsAre("#0", "#0"));  // U+3000
  const AddedTokenFinder right = finder_of({"<m>"}, {.rstrip = true});
  EXPECT_THAT(pieces_of(right, "a <m> \n b"), ElementsAre("a ", "#0", "b"));
  const AddedTokenFinder both = finder_of({"<m>"}, {.lstrip = true, .rstrip = true});
  EXPECT_THAT(pieces_of(both, " <m>  <m> x"), ElementsAre("#0", "#0", "x"));
}

TEST(AddedTokens, MayBeSingleWords) {
  const AddedTokenFinder finder = finder_of({"cat", "x"}, {.single_word = true});
  EXPECT_THAT(pieces_of(finder, "cat, cat"), ElementsAre("#0", ", ", "#0"));
  EXPECT_THAT(pieces_of(finder, "cats"), ElementsAre("cats"));
  EXPECT_THAT(pieces_of(finder, "bobcat"), ElementsAre("bobcat"));
  EXPECT_THAT(pieces_of(finder, "cat_cat"), ElementsAre("cat_cat"));
  EXPECT_THAT(pieces_of(finder, "\xC3\xA9x x"), ElementsAre("\xC3\xA9x ", "#1"));
  EXPECT_THAT(pieces_of(finder, "-x-"), ElementsAre("-", "#1", "-"));
}

TEST(AddedTokens, TakeLinearTime) {  // blanks are walked over once, not from each token
  const std::string blanks(1000000, ' ');
  const AddedTokenFinder finder = finder_of({" "}, {.lstrip = true, .rstrip = true});
  std::size_t num_tokens = 0;
  finder.split(
      blanks, [&](std::size_t, std::size_t) { ADD_FAILURE(); }, [&](std::uint32_t) { ++num_tokens; });
  EXPECT_EQ(num_tokens, blanks.size());
}

}  // namespace
}  // namespace reckon
