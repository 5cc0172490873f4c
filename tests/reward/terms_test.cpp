// The formulas of the reward terms, against numbers worked by hand.
#include "reckon/reward/terms.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <string>

namespace reckon {
namespace {

TEST(WithLengths, FillsWhatTheStageKnows) {
  const RewardConfig filled = with_lengths({}, 20'480);
  EXPECT_EQ(filled.cosine_tokens, 20'480);
  EXPECT_EQ(filled.overlong_tokens, 20'480);
  EXPECT_EQ(filled.overlong_cache, 4'096);  // as DAPO
  EXPECT_EQ(with_lengths({}, 3).overlong_cache, 1);
  RewardConfig said;
  said.cosine_tokens = 100;
  said.overlong_tokens = 200;
  said.overlong_cache = 7;
  const RewardConfig kept = with_lengths(said, 1000);
  EXPECT_EQ(kept.cosine_tokens, 100);
  EXPECT_EQ(kept.overlong_tokens, 200);
  EXPECT_EQ(kept.overlong_cache, 7);
  said.overlong_cache = 0;
  EXPECT_EQ(with_lengths(said, 1000).overlong_cache, 40);
}

// cos 0 = 1, cos(pi/3) = 1/2, cos(pi/2) = 0, cos pi = -1, so (1 + cos) / 2 = 1, 3/4, 1/2, 0.
TEST(LengthCosine, GoesFromShortToLong) {
  RewardConfig config;
  config.cosine_tokens = 600;
  config.cosine_right_short = 2.0;
  config.cosine_right_long = 1.0;
  config.cosine_wrong_short = -10.0;
  config.cosine_wrong_long = 0.0;
  config.cosine_cut_off = -10.0;
  constexpr double kTolerance = 1e-15 * 16;  // one rounding of the cosine, times at most 10
  const auto right = [&](std::int64_t tokens) { return length_cosine(config, true, false, tokens); };
  const auto wrong = [&](std::int64_t tokens) { return length_cosine(config, false, false, tokens); };
  EXPECT_NEAR(right(0), 2.0, kTolerance);
  EXPECT_NEAR(right(200), 1.75, kTolerance);
  EXPECT_NEAR(right(300), 1.5, kTolerance);
  EXPECT_NEAR(right(600), 1.0, kTolerance);
  EXPECT_NEAR(wrong(0), -10.0, kTolerance);
  EXPECT_NEAR(wrong(200), -7.5, kTolerance);
  EXPECT_NEAR(wrong(300), -5.0, kTolerance);
  EXPECT_NEAR(wrong(600), 0.0, kTolerance);
  EXPECT_EQ(right(601), -10.0);
  EXPECT_EQ(wrong(601), -10.0);
  EXPECT_EQ(length_cosine(config, false, true, 600), -10.0);
}

// open-r1's defaults: right 1 -> 0.5, wrong -1 -> -0.5.
TEST(LengthCosine, HasTheDefaultsOfOpenR1) {
  const RewardConfig config = with_lengths({}, 1000);
  EXPECT_DOUBLE_EQ(length_cosine(config, true, false, 0), 1.0);
  EXPECT_DOUBLE_EQ(length_cosine(config, true, false, 500), 0.75);
  EXPECT_DOUBLE_EQ(length_cosine(config, true, false, 1000), 0.5);
  EXPECT_DOUBLE_EQ(length_cosine(config, false, false, 0), -1.0);
  EXPECT_DOUBLE_EQ(length_cosine(config, false, false, 500), -0.75);
  EXPECT_DOUBLE_EQ(length_cosine(config, false, false, 1000), -0.5);
  EXPECT_EQ(length_cosine(config, false, true, 1000), -1.0);
}

TEST(LengthExact, CostsEachTokenOffTheTarget) {
  EXPECT_DOUBLE_EQ(length_exact(0.0003, 1000, 1000), 0.0);
  EXPECT_DOUBLE_EQ(length_exact(0.0003, 1000, 1500), -0.15);
  EXPECT_DOUBLE_EQ(length_exact(0.0003, 1000, 500), -0.15);
  EXPECT_DOUBLE_EQ(length_exact(0.25, 4, 0), -1.0);
}

TEST(LengthMax, ClipsAndPaysRightAnswersOnly) {
  const auto paid = [](std::int64_t tokens) { return length_max(0.001, 0.5, true, 1000, tokens); };
  EXPECT_DOUBLE_EQ(paid(1000), 0.5);
  EXPECT_DOUBLE_EQ(paid(900), 0.6);
  EXPECT_DOUBLE_EQ(paid(1200), 0.3);
  EXPECT_DOUBLE_EQ(paid(500), 1.0);
  EXPECT_DOUBLE_EQ(paid(1), 1.0);
  EXPECT_DOUBLE_EQ(paid(1500), 0.0);
  EXPECT_DOUBLE_EQ(paid(9000), 0.0);
  EXPECT_EQ(length_max(0.001, 0.5, false, 1000, 500), 0.0);
}

// DAPO's own numbers: L_max 20,480, L_cache 4,096.
TEST(Overlong, FallsOverTheCache) {
  const auto term = [](std::int64_t tokens) { return overlong(20'480, 4'096, tokens); };
  EXPECT_EQ(term(0), 0.0);
  EXPECT_EQ(term(16'384), 0.0);
  EXPECT_DOUBLE_EQ(term(16'385), -1.0 / 4096);
  EXPECT_DOUBLE_EQ(term(17'408), -0.25);
  EXPECT_DOUBLE_EQ(term(18'432), -0.5);
  EXPECT_DOUBLE_EQ(term(20'480), -1.0);
  EXPECT_EQ(term(20'481), -1.0);
  EXPECT_EQ(term(1'000'000), -1.0);
}

TEST(Repetition, CountsNgramsOfWords) {
  EXPECT_EQ(repetition("", 3), 0.0);
  EXPECT_EQ(repetition("one two", 3), 0.0);
  EXPECT_EQ(repetition("one two three", 3), 0.0);
  EXPECT_DOUBLE_EQ(repetition("a b a b a", 2), -0.5);  // ab ba ab ba: 2 of 4
  EXPECT_DOUBLE_EQ(repetition("a b a b a", 1), -0.6);  // 2 of 5
  EXPECT_DOUBLE_EQ(repetition("x x x x x", 3), -2.0 / 3);
  EXPECT_DOUBLE_EQ(repetition(" The\tthe\n THE  the ", 1), -0.75);
  EXPECT_EQ(repetition("ab c a bc", 2), 0.0);  // "ab c", "c a", "a bc": blanks count
  EXPECT_EQ(repetition("ab ca b", 1), 0.0);
  EXPECT_EQ(repetition("a b c d", 4), 0.0);
  EXPECT_EQ(repetition("a b c d", 5), 0.0);
}

TEST(Repetition, IsLinearInTheText) {
  std::string text;
  while (text.size() < 1'000'000) text += "a ";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_NEAR(repetition(text, 40), -1.0, 1e-5);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
}

TEST(ScriptShare, CountsLetters) {
  EXPECT_EQ(script_share("so the sum is eight", Script::latin), 1.0);
  EXPECT_EQ(script_share("so the sum is eight", Script::han), 0.0);
  EXPECT_EQ(script_share("\xE6\x89\x80\xE4\xBB\xA5", Script::han), 1.0);        // two Han letters
  EXPECT_EQ(script_share("so \xE6\x89\x80\xE4\xBB\xA5", Script::latin), 0.5);   // 2 of 4
  EXPECT_EQ(script_share("sum: \xE5\x92\x8C", Script::latin), 0.75);            // 3 of 4
  EXPECT_EQ(script_share("\xD0\xB4\xD0\xB0 yes", Script::cyrillic), 0.4);       // 2 of 5
  EXPECT_EQ(script_share("caf\xC3\xA9 \xC3\x9F\xC5\x92", Script::latin), 1.0);  // accents, ss, OE
}

TEST(ScriptShare, PassesOverWhatIsNoLanguage) {
  EXPECT_EQ(script_share("", Script::latin), 0.0);
  EXPECT_EQ(script_share("3+5=8;", Script::latin), 0.0);
  // A variable, a command, tags: none of them is a Latin letter in a Chinese text.
  EXPECT_EQ(
      script_share("<think>\xE8\xAE\xBEx\xE4\xB8\xBA $y=\\frac{1}{2}$</think><answer>\xE5\x92\x8C</answer>",
                   Script::han),
      1.0);
  EXPECT_EQ(script_share("\xE8\xAE\xBE"
                         "ab\xE4\xB8\xBA",
                         Script::han),
            0.5);  // two letters are a word
  EXPECT_EQ(script_share("a", Script::latin), 0.0);
  EXPECT_EQ(script_share("yes \xFF\xFE", Script::latin), 0.6);  // bytes that are no UTF-8
}

TEST(ScriptShare, KnowsEachScript) {
  const struct {
    Script script;
    const char* text;
  } samples[] = {{Script::japanese, "\xE3\x81\x93\xE3\x82\xA2\xE5\x92\x8C"},    // kana, Han
                 {Script::hangul, "\xED\x95\xA9"},                              //
                 {Script::greek, "\xCE\xB1\xCF\x81"},                           //
                 {Script::arabic, "\xD9\x85\xD8\xAC"},                          //
                 {Script::hebrew, "\xD7\xA1\xD7\x9A"},                          //
                 {Script::devanagari, "\xE0\xA4\xAF\xE0\xA5\x8B\xE0\xA4\x97"},  // with a vowel sign
                 {Script::thai, "\xE0\xB8\x9C\xE0\xB8\xA5"}};
  for (const auto& sample : samples) {
    for (const auto& [script, name] : enum_names(Script{})) {
      if (sample.script == Script::japanese && script == Script::han) continue;  // they share Han
      EXPECT_EQ(script_share(sample.text, script), script == sample.script ? 1.0 : 0.0)
          << enum_name(sample.script) << " as " << name;
    }
  }
  EXPECT_DOUBLE_EQ(script_share("\xE3\x81\x93\xE3\x82\xA2\xE5\x92\x8C", Script::han), 1.0 / 3);
}

}  // namespace
}  // namespace reckon
