// Answers in boxes, behind #### and behind a phrase.
#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "reckon/base/philox.h"
#include "reckon/grade/answer_form.h"
#include "reckon/grade/extract.h"

namespace reckon {
namespace {

constexpr AnswerConfig kTag{};
const AnswerConfig kBoxed{.form = AnswerForm::boxed};
const AnswerConfig kHashes{.form = AnswerForm::hashes};
const AnswerConfig kPhrase{.form = AnswerForm::phrase};

std::string answer_of(const AnswerConfig& config, std::string_view completion) {
  const Extracted extracted = extract_answer(completion, config);
  return extracted.found ? std::string(extracted.answer) : "(none)";
}

TEST(ExtractBoxed, TakesTheLastCompleteBox) {
  EXPECT_EQ(answer_of(kBoxed, R"(so \boxed{8})"), "8");
  EXPECT_EQ(answer_of(kBoxed, R"(\boxed{7}, no: \fbox{ 8 }.)"), "8");
  EXPECT_EQ(answer_of(kBoxed, R"($\boxed{\frac{1}{\sqrt{2}}}$)"), R"(\frac{1}{\sqrt{2}})");
  EXPECT_EQ(answer_of(kBoxed, R"(\boxed{7} then \boxed{8)"), "7");
  EXPECT_EQ(answer_of(kBoxed, "\\boxed\n {8}"), "8");
}

TEST(ExtractBoxed, MatchesBracesAndPassesOverEscapedOnes) {
  EXPECT_EQ(answer_of(kBoxed, R"(\boxed{\{1,2\}})"), R"(\{1,2\})");
  EXPECT_EQ(answer_of(kBoxed, R"(\boxed{\left\{x\right.})"), R"(\left\{x\right.)");
  EXPECT_EQ(answer_of(kBoxed, R"(\boxed{a \\ b})"), R"(a \\ b)");
  EXPECT_EQ(answer_of(kBoxed, R"({ } } \boxed{5 } })"), "5");  // braces of the text around it
  EXPECT_EQ(answer_of(kBoxed, R"({{ \boxed{5})"), "5");
  EXPECT_EQ(answer_of(kBoxed, R"(\\boxed{5})"), "(none)");  // a line break, then "boxed{5}"
  EXPECT_EQ(answer_of(kBoxed, R"(\boxedx{5})"), "(none)");
}

TEST(ExtractBoxed, ABoxInABoxBelongsToIt) {
  EXPECT_EQ(answer_of(kBoxed, R"(\boxed{\boxed{5}})"), R"(\boxed{5})");
  EXPECT_EQ(extract_answer(R"(\boxed{\fbox{5}})", kBoxed).num_answers, 1u);
  EXPECT_EQ(answer_of(kBoxed, R"(\boxed{ 1 \boxed{5} 2)"), "5");  // the outer one is not complete
}

TEST(ExtractBoxed, ReadsABoxWithoutBraces) {
  EXPECT_EQ(answer_of(kBoxed, R"($\boxed 8$ apples)"), "8");
  EXPECT_EQ(answer_of(kBoxed, R"($\boxed \frac{1}{2}$)"), R"(\frac{1}{2})");
  EXPECT_EQ(answer_of(kBoxed, "\\boxed 8 apples\ncost $3"), "8");  // the $ of another line is none of its own
  EXPECT_EQ(answer_of(kBoxed, R"(\fbox 8)"), "8");
}

TEST(ExtractBoxed, FindsNothingElsewhere) {
  for (const char* text : {"", "8", "the answer is 8", "<answer>8</answer>", "boxed{8}", R"(\boxed)",
                           R"(\boxed{)", R"(\boxed{})", R"(\boxed{ })", R"(\boxed{1} \boxed{})"}) {
    EXPECT_EQ(answer_of(kBoxed, text), "(none)") << text;
  }
}

TEST(ExtractBoxed, CountsBoxesAndSaysWhetherTheyDiffer) {
  const Extracted same = extract_answer(R"(\boxed{8} so \boxed{ 8})", kBoxed);
  EXPECT_EQ(same.num_answers, 2u);
  EXPECT_FALSE(same.several);
  const Extracted other = extract_answer(R"(\boxed{8} \boxed{7} \boxed{8})", kBoxed);
  EXPECT_EQ(other.num_answers, 3u);
  EXPECT_TRUE(other.several);
  EXPECT_EQ(other.answer, "8");
}

/// The end of the braces that open at a position, by counting; npos where they do not close.
std::size_t matching_end(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return i;
    }
  }
  return std::string_view::npos;
}

/// The box that ends last of those in no other, each found by a search of its own: quadratic, and plain.
std::string last_box_by_search(std::string_view text) {
  std::size_t last_begin = 0;
  std::size_t last_end = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') continue;
    if (text.substr(i).starts_with("\\boxed{")) {
      const std::size_t end = matching_end(text, i + 6);
      // A later box inside the one that was found ends before it.
      if (end != std::string_view::npos && end > last_end) {
        last_begin = i + 7;
        last_end = end;
      }
    }
    ++i;
  }
  const std::string_view found = trim_blanks(text.substr(last_begin, last_end - last_begin));
  return found.empty() ? "(none)" : std::string(found);
}

TEST(ExtractBoxed, AgreesWithASearchOnRandomTexts) {
  const std::string_view pieces[] = {"\\boxed{", "\\boxed{", "{", "}", "}", "\\{",
                                     "\\}",      "\\\\",     "1", " ", "x"};
  RandomStream random(3, 0);
  int found = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string text;
    for (std::uint32_t length = random.below(16); length > 0; --length) text += pieces[random.below(11)];
    const std::string expected = last_box_by_search(text);
    ASSERT_EQ(answer_of(kBoxed, text), expected) << text;
    found += expected != "(none)" ? 1 : 0;
  }
  EXPECT_GT(found, 10'000);
}

TEST(ExtractBoxed, JoinsBoxesWithNothingButSeparatorsBetween) {
  const auto joined = [](std::string_view text) { return std::string(extract_answer(text, kBoxed).joined); };
  EXPECT_EQ(joined(R"(x is \boxed{1}, \boxed{2}.)"), R"(\boxed{1}, \boxed{2})");
  EXPECT_EQ(joined(R"($\boxed{1}$ and $\boxed{2}$)"), R"(\boxed{1}$ and $\boxed{2})");
  EXPECT_EQ(joined(R"(\boxed{1}; \boxed{2} or \fbox{3})"), R"(\boxed{1}; \boxed{2} or \fbox{3})");
  EXPECT_EQ(joined(R"(\boxed{0} then \boxed{1}, and \boxed{2})"), R"(\boxed{1}, and \boxed{2})");
  EXPECT_EQ(joined(R"(\boxed{1})"), "");
  EXPECT_EQ(joined(R"(\boxed{1}\boxed{2})"), "");  // a product
  EXPECT_EQ(joined(R"(\boxed{1} $ \boxed{2})"), "");
  EXPECT_EQ(joined(R"(\boxed{1}, no, \boxed{2})"), "");
  EXPECT_EQ(joined(R"(\boxed{1} android \boxed{2})"), "");
  EXPECT_EQ(joined(R"(\boxed{1}, \boxed{2} so \boxed{3})"), "");
  // The answer of those that are joined is still the last.
  EXPECT_EQ(answer_of(kBoxed, R"(\boxed{1}, \boxed{2})"), "2");
}

TEST(ExtractHashes, TakesTheLastLineWithFour) {
  EXPECT_EQ(answer_of(kHashes, "6+2=8\n#### 8"), "8");
  EXPECT_EQ(answer_of(kHashes, "####8\nDone."), "8");
  EXPECT_EQ(answer_of(kHashes, "#### 7\n#### $1,008 \r\n"), "$1,008");
  EXPECT_EQ(answer_of(kHashes, "#### 7 #### 8"), "8");
  EXPECT_EQ(answer_of(kHashes, "#### 8 ##"), "8 ##");  // a row of two is text
  EXPECT_EQ(answer_of(kHashes, "#### 8\n##### Notes\n### More"), "8");
  EXPECT_TRUE(extract_answer("#### 7\n#### 8", kHashes).several);
  for (const char* text : {"", "8", "###8", "##### 8", "####", "#### \n8", "#### 7\n####"}) {
    EXPECT_EQ(answer_of(kHashes, text), "(none)") << text;
  }
}

TEST(ExtractPhrase, TakesTheRestOfTheSentenceBehindTheLastPhrase) {
  EXPECT_EQ(answer_of(kPhrase, "So the answer is 8."), "8");
  EXPECT_EQ(answer_of(kPhrase, "THE FINAL ANSWER IS 3.5. Done."), "3.5");
  EXPECT_EQ(answer_of(kPhrase, "The answer is: 18.."), "18.");
  EXPECT_EQ(answer_of(kPhrase, "Answer: $x = 5$\nChecked."), "$x = 5$");
  EXPECT_EQ(answer_of(kPhrase, "**Answer:** 8"), "8");
  EXPECT_EQ(answer_of(kPhrase, "**The answer is 8**\n"), "8");
  EXPECT_EQ(answer_of(kPhrase, "The answer is 7. No: the final answer is 8."), "8");
  EXPECT_EQ(answer_of(kPhrase, "Answer: the answer is 8"), "8");
  EXPECT_EQ(answer_of(kPhrase, "The answer is 8. That is all there is. Bye."), "8");
  for (const char* text : {"", "8", "The answer was 8.", "The answer is", "The answer is\n8",
                           "The answer is .", "Bathe answer is 8", "The answer is 7. The answer is."}) {
    EXPECT_EQ(answer_of(kPhrase, text), "(none)") << text;
  }
}

TEST(ExtractForms, LookOnlyBehindTheThinking) {
  for (const AnswerConfig& config : {kTag, kBoxed, kHashes, kPhrase}) {
    const std::string seven = answer_in_form(config.form, "7");
    const std::string eight = answer_in_form(config.form, "8");
    EXPECT_EQ(answer_of(config, "<think>" + seven + "</think>" + eight), "8");
    EXPECT_EQ(answer_of(config, "<think>" + seven + "</think>"), "(none)");
    EXPECT_EQ(answer_of(config, "<think>" + seven), "(none)");
    EXPECT_EQ(answer_of(config, seven + "</think>" + eight), "8");
    EXPECT_EQ(answer_of(config, seven + "\n<think>" + eight), "7");
    EXPECT_EQ(extract_answer("<think>" + seven + "</think>" + eight, config).num_answers, 1u);
    AnswerConfig closed = config;
    closed.require_think_close = true;
    EXPECT_EQ(answer_of(closed, eight), "(none)");
    EXPECT_EQ(answer_of(closed, "</think>" + eight), "8");
  }
}

TEST(ExtractForms, ReadBackWhatAnswerInFormWrites) {
  for (const AnswerConfig& config : {kTag, kBoxed, kHashes, kPhrase}) {
    for (const char* answer :
         {"8", "-3.5", R"(\frac{1}{2})", R"(\{1, 2\})", "A is a knight, B is a knave", "18."}) {
      EXPECT_EQ(answer_of(config, "\n" + answer_in_form(config.form, answer)), answer);
    }
  }
}

TEST(ExtractForms, RefuseAnAnswerOfMoreThanTheLimit) {
  for (const AnswerConfig& config : {kTag, kBoxed, kHashes, kPhrase}) {
    const Extracted longest = extract_answer(answer_in_form(config.form, std::string(1000, '8')), config);
    EXPECT_TRUE(longest.found);
    EXPECT_FALSE(longest.too_long);
    const Extracted longer = extract_answer(answer_in_form(config.form, std::string(1001, '8')), config);
    EXPECT_TRUE(longer.found);
    EXPECT_TRUE(longer.too_long);
    EXPECT_TRUE(extract_answer(answer_in_form(config.form, "88"), config, 1).too_long);
  }
  const std::string half(600, '8');
  const std::string list = R"(\boxed{)" + half + R"(}, \boxed{)" + half + "}";
  EXPECT_EQ(extract_answer(list, kBoxed).joined, "");
  EXPECT_FALSE(extract_answer(list, kBoxed).too_long);
}

TEST(ExtractForms, LookInTheLast64KiB) {
  for (const AnswerConfig& config : {kTag, kBoxed, kHashes, kPhrase}) {
    const std::string answer = "\n" + answer_in_form(config.form, "8") + "\n";
    EXPECT_EQ(answer_of(config, answer + std::string(65536 - answer.size(), 'x')), "8");
    EXPECT_EQ(answer_of(config, answer + std::string(65536, 'x')), "(none)");
    EXPECT_EQ(answer_of(config, std::string(200'000, 'x') + answer), "8");
    EXPECT_EQ(answer_of(config, answer + "<think>" + std::string(200'000, 'x')), "(none)");
    EXPECT_EQ(answer_of(config, "<think>" + std::string(200'000, 'x') + answer), "(none)");
  }
}

// Whatever stands in closed thinking changes nothing; what is found is a part of the completion.
TEST(ExtractForms, HoldOnRandomTexts) {
  const std::string_view pieces[] = {
      "<think>", "</think>", "<answer>", "</answer>", "\\boxed{",       "\\fbox ", "{",  "}",
      "\\",      "$",        "####",     "#",         "the answer is ", "Answer:", ". ", "\n",
      "8",       ", ",       " and ",    "\xFF"};
  RandomStream random(4, 0);
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (std::uint32_t length = random.below(20); length > 0; --length) text += pieces[random.below(20)];
    for (const AnswerConfig& config : {kTag, kBoxed, kHashes, kPhrase}) {
      const Extracted alone = extract_answer(text, config);
      ASSERT_EQ(alone.found, !alone.answer.empty());
      if (alone.found) {
        ASSERT_GE(alone.num_answers, 1u);
        ASSERT_LE(text.data(), alone.answer.data());
        ASSERT_LE(alone.answer.data() + alone.answer.size(), text.data() + text.size());
        ASSERT_EQ(alone.answer, trim_blanks(alone.answer));
      }
      const std::string behind = "<think>" + text + "</think>";
      ASSERT_FALSE(extract_answer(behind, config).found) << behind;
      if (well_formed(text, config)) {
        ASSERT_TRUE(alone.found) << text;
        ASSERT_FALSE(alone.several) << text;
      }
    }
  }
}

TEST(ExtractForms, TakeLinearTimeOnRepeatedMarks) {
  for (const AnswerConfig& config : {kBoxed, kHashes, kPhrase}) {
    for (const std::string piece :
         {R"(\boxed{)", R"(\boxed )", R"(\boxed{1},)", "{", "}", "\\", "#", "#### ", "##### ",
          "the answer is ", "answer:", "answer", ".", "\n", "<think>", "</think>"}) {
      std::string text;
      while (text.size() < 65'536) text += piece;
      const auto start = std::chrono::steady_clock::now();
      (void)extract_answer(text, config);
      (void)well_formed(text, config);
      EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2)) << piece;
    }
  }
}

TEST(WellFormed, TakesEachForm) {
  EXPECT_TRUE(well_formed("<think>\na\n</think>\nThe sum is \\boxed{8}.", kBoxed));
  EXPECT_TRUE(well_formed(R"(\boxed{8})", kBoxed));
  EXPECT_TRUE(well_formed("<think>a</think>6+2=8\n#### 8", kHashes));
  EXPECT_TRUE(well_formed("<think>a</think>The answer is 8.", kPhrase));
  for (const char* text :
       {"", "8", R"(<think>\boxed{8})", R"(<think>\boxed{8}</think>)", R"(\boxed{})",
        R"(\boxed{7} \boxed{8})", R"(a</think>\boxed{8})", R"(\boxed{8}<think>b</think>)",
        R"(\boxed{8}<answer>)", R"(<think><think></think>\boxed{8})", "<answer>8</answer>"}) {
    EXPECT_FALSE(well_formed(text, kBoxed)) << text;
  }
  AnswerConfig closed = kBoxed;
  closed.require_think_close = true;
  EXPECT_FALSE(well_formed(R"(\boxed{8})", closed));
  EXPECT_TRUE(well_formed(R"(<think></think>\boxed{8})", closed));
  EXPECT_FALSE(well_formed("<answer>8</answer>", {.require_think_close = true}));
}

TEST(AnswerForm, WritesEachForm) {
  EXPECT_EQ(answer_in_form(AnswerForm::tag, "8"), "<answer>8</answer>");
  EXPECT_EQ(answer_in_form(AnswerForm::boxed, "8"), R"(\boxed{8})");
  EXPECT_EQ(answer_in_form(AnswerForm::hashes, "8"), "#### 8");
  EXPECT_EQ(answer_in_form(AnswerForm::phrase, "8"), "The answer is 8.");
}

TEST(AnswerForm, ASentenceShowsTheMarkThatIsRead) {
  for (const auto& [form, name] : enum_names(AnswerForm{})) {
    EXPECT_EQ(answer_sentence({.form = form}), "");
    const std::string sentence = answer_sentence({.form = form, .sentence = "on"});
    EXPECT_TRUE(shows_mark(form, sentence)) << name;
    EXPECT_TRUE(shows_mark(form, answer_in_form(form, "8"))) << name;
    EXPECT_FALSE(shows_mark(form, "Give the result.")) << name;
    // Who says the sentence back has not answered.
    const std::string answer = answer_of({.form = form}, sentence);
    EXPECT_NE(answer, "8") << name;
    // Every character of prompt and completion is announced; of the tag form the tags are tokens.
    const std::string characters = answer_characters({.form = form, .sentence = "on"});
    EXPECT_EQ((sentence + "\n").find_first_not_of(characters), std::string::npos);
    if (form != AnswerForm::tag) {
      EXPECT_EQ(answer_in_form(form, "").find_first_not_of(characters), std::string::npos) << name;
    }
  }
  EXPECT_EQ(answer_sentence({.sentence = "In <answer>, please."}), "In <answer>, please.");
  EXPECT_EQ(answer_characters({}), "");
  EXPECT_TRUE(shows_mark(AnswerForm::phrase, "End with ANSWER: X"));
}

}  // namespace
}  // namespace reckon
