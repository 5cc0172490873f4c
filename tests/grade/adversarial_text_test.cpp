// Whole completions made against the extractor (grading.md, section 4): where answers may stand, and how long
// reading takes.
#include <gtest/gtest.h>

#include "reckon/grade/extract.h"
#include "reckon/grade/find_answer.h"
#include "reckon/grade/grade.h"
#include "support/resources.h"

namespace reckon {
namespace {

// The grader's aims are 300 ms and 64 MiB; ten times that, so that no slow or shared machine fails a test.
constexpr double kMaxSeconds = 3.0;
constexpr double kMaxGrowthMib = 640.0;
constexpr std::size_t kMegabyte = std::size_t{1} << 20;

constexpr std::string_view kPieces[] = {"\\boxed{",
                                        "\\boxed{1}",
                                        "\\boxed {",
                                        "\\fbox{\\boxed{",
                                        "<answer>",
                                        "</answer>",
                                        "<answer>1</answer>",
                                        "<think>",
                                        "</think>",
                                        "<think><answer>",
                                        "{",
                                        "}",
                                        "{}",
                                        "(",
                                        ")",
                                        "[",
                                        "()",
                                        "1",
                                        "9",
                                        "0.",
                                        "^",
                                        "^2",
                                        "_",
                                        "!",
                                        "-",
                                        "+-",
                                        "\\frac",
                                        "\\frac{",
                                        "\\frac12",
                                        "\\sqrt",
                                        "\\sqrt{",
                                        "$",
                                        "$$",
                                        "\\(",
                                        "\\)",
                                        "\\[",
                                        "1 ",
                                        "1,",
                                        ", ",
                                        "1;",
                                        ".",
                                        ". ",
                                        "answer is ",
                                        "answer: ",
                                        "final answer is ",
                                        "i hope it is correct ",
                                        "and ",
                                        " or ",
                                        "|",
                                        "\\left(",
                                        "\\left",
                                        "\\right)",
                                        "\\begin{pmatrix}",
                                        "\\begin{",
                                        "&",
                                        "\\\\",
                                        "\\",
                                        "%",
                                        "\\text{",
                                        "\\text{a",
                                        "=",
                                        "<",
                                        "x",
                                        "xy ",
                                        "e",
                                        "\\pi",
                                        "\\pm",
                                        "'",
                                        "\"",
                                        "\n",
                                        "\r\n",
                                        "\t",
                                        "\xFF",
                                        "\u200B",
                                        "\u00BD",
                                        "\U0001F642",
                                        "\u0301",
                                        "a\u0301"};

std::string repeated(std::string_view piece, std::size_t size) {
  std::string text;
  while (text.size() + piece.size() <= size) text += piece;
  return text;
}

void expect_bounds(const testing::ResourceMeter& meter, std::string_view piece, const char* what) {
  EXPECT_LT(meter.seconds(), kMaxSeconds) << what << " of " << piece;
  EXPECT_LT(meter.growth_mib(), kMaxGrowthMib) << what << " of " << piece;
}

TEST(ExtractAdversarial, AMegabyteOfAnyPieceIsReadInTime) {
  for (const std::string_view piece : kPieces) {
    const std::string text = repeated(piece, kMegabyte);
    for (const std::string& completion : {text, "<answer>" + text + "</answer>", "\\boxed{" + text + "}"}) {
      const testing::ResourceMeter meter;
      const Extracted extracted = extract_answer(completion);
      const bool form = well_formed(completion);
      expect_bounds(meter, piece, "extraction");
      // The form is that of the whole, but an answer that does not begin in the part scanned is none.
      EXPECT_FALSE(form && extracted.found) << piece;
      const testing::ResourceMeter search_meter;
      const FoundAnswer found = find_answer(completion);
      expect_bounds(search_meter, piece, "search");
      const testing::ResourceMeter grade_meter;
      const GoldAnswer gold("18");
      for (const std::string_view pred :
           {extracted.answer, std::string_view(found.text), std::string_view(completion)}) {
        EXPECT_NE(gold.grade(pred).grade, Grade::equal) << piece;
      }
      EXPECT_FALSE(GoldAnswer(completion).is_readable()) << piece;
      expect_bounds(grade_meter, piece, "grading");
    }
  }
}

TEST(ExtractAdversarial, EveryFormReadsAMegabyteOfAnyPieceInTime) {
  for (const std::string_view piece : kPieces) {
    const std::string text = repeated(piece, kMegabyte);
    for (const AnswerForm form :
         {AnswerForm::tag, AnswerForm::boxed, AnswerForm::hashes, AnswerForm::phrase}) {
      const testing::ResourceMeter meter;
      const Extracted extracted = extract_answer(text, {.form = form});
      EXPECT_EQ(extracted.too_long, extracted.answer.size() > kMaxAnswerBytes) << piece;
      EXPECT_TRUE(!extracted.found || extracted.num_answers > 0)
          << piece << well_formed(text, {.form = form});
      expect_bounds(meter, piece, enum_name(form).data());
    }
  }
}

TEST(ExtractAdversarial, AnAnswerOfAnyPieceIsGradedInTime) {
  for (const std::string_view piece : kPieces) {
    for (const std::size_t size : {30, 300, 990}) {
      const std::string text = repeated(piece, size);
      for (const std::string& pred : {text, "1" + text, text + "1", "x+" + text + "1"}) {
        const testing::ResourceMeter meter;
        EXPECT_NE(GoldAnswer("18").grade(pred).grade, Grade::equal) << piece;
        const GoldAnswer gold(pred);
        // Its own words with more behind them: compared in full. (The grade may be any: 1,1 is 1,1,+1.)
        const Grade longer = gold.grade(pred + "+1").grade;
        EXPECT_EQ(longer == Grade::gold_unparseable, !gold.is_readable()) << piece << " " << size;
        if (gold.is_readable()) {
          EXPECT_EQ(gold.grade(pred).grade, Grade::equal) << piece << " " << size;
        }
        expect_bounds(meter, piece, "an answer");
      }
    }
  }
}

TEST(ExtractAdversarial, TrainingReadsOnlyTheAnswerTagBehindTheThinking) {
  for (const char* completion :
       {"\\boxed{5}", "The answer is 5.", "5", "#### 5", "<think>\\boxed{5}</think> Done.",
        "<think><answer>5</answer></think>", "<think><answer>5</answer>", "<think>5</think><answer>",
        "<answer>5", "5</answer>", "<answer></answer>", "<answer> \n </answer>", "<answer>5</answer></think>",
        "<ANSWER>5</ANSWER>", "< answer>5</ answer>", "<answer>5</answer><think>no</think>"}) {
    EXPECT_FALSE(extract_answer(completion).found) << completion;
    EXPECT_FALSE(well_formed(completion)) << completion;
  }
  const Extracted last =
      extract_answer("<think><answer>1</answer></think><answer>2</answer> <answer>3</answer>");
  EXPECT_EQ(last.answer, "3");
  EXPECT_EQ(last.num_answers, 2u);
  EXPECT_EQ(extract_answer("<answer>4<answer>5</answer>").answer, "5");
  EXPECT_EQ(extract_answer("<answer>\\boxed{5}</answer>").answer, "\\boxed{5}");
}

TEST(ExtractAdversarial, StuffedTagsAreNoForm) {
  for (const char* completion :
       {"<answer>5</answer><answer>6</answer>", "<think>a</think><think>b</think><answer>5</answer>",
        "<answer>5</answer> and so on", "So: <answer>5</answer>",
        "<think>a<think>b</think><answer>5</answer>", "<answer>5</answer></answer>", "<think>a</think>5",
        "<think></think></think><answer>5</answer>"}) {
    EXPECT_FALSE(well_formed(completion)) << completion;
  }
  EXPECT_TRUE(well_formed("<think>a</think>\n<answer>5</answer>\n"));
  EXPECT_TRUE(well_formed("<answer>5</answer>"));
}

Grade found_and_graded(const std::string& gold, const std::string& completion) {
  return GoldAnswer(gold).grade(find_answer(completion).text).grade;
}

TEST(ExtractAdversarial, OfSeveralBoxesTheLastOneCounts) {
  const std::string filler =
      " This was the first attempt, and it had a mistake in the second line. Once more. ";
  EXPECT_EQ(find_answer("We get \\boxed{3}." + filler + "Now \\boxed{4}.").text, "4");
  EXPECT_EQ(find_answer("<think>\\boxed{3}</think> It is \\boxed{4}.").text, "4");
  EXPECT_EQ(find_answer("So we get \\boxed{\\frac{1}{2}} at last, as it had to be.").text, "\\frac{1}{2}");
}

TEST(ExtractAdversarial, BoxesSideBySideAreAListAndNoScalar) {
  for (const char* completion :
       {"The roots are \\boxed{3} and \\boxed{4}.", "\\boxed{3}, \\boxed{4}", "\\boxed{3} or \\boxed{4}",
        "We have two roots: $\\boxed{3}$, $\\boxed{4}$.", "x = \\boxed{3}, y = \\boxed{4}"}) {
    EXPECT_NE(found_and_graded("4", completion), Grade::equal) << completion;
    EXPECT_NE(found_and_graded("3", completion), Grade::equal) << completion;
  }
  EXPECT_EQ(found_and_graded("3,4", "The roots are \\boxed{3} and \\boxed{4}."), Grade::equal);
  EXPECT_EQ(found_and_graded("3,4", "\\boxed{4}, \\boxed{3}"), Grade::equal);
  EXPECT_EQ(found_and_graded("1,2,3,4", "\\boxed{1}, \\boxed{2}, \\boxed{3}, \\boxed{4}"), Grade::equal);
}

TEST(ExtractAdversarial, ABoxWithinTheThinkingIsNotTheAnswer) {
  for (const char* completion :
       {"<think>\\boxed{5}</think> I am done here.", "<think>The answer is 5.</think>", "<think>5</think>",
        "<think><answer>5</answer></think> Nothing to add."}) {
    EXPECT_NE(GoldAnswer("5").grade(find_answer(completion).text).grade, Grade::equal) << completion;
  }
}

}  // namespace
}  // namespace reckon
