// Every answer of GSM8K's test set: against itself, in the forms that completions give it, and made wrong.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "reckon/grade/extract.h"
#include "reckon/grade/find_answer.h"
#include "reckon/grade/grade.h"
#include "support/answer_edits.h"
#include "support/paths.h"

namespace reckon {
namespace {

struct Problem {
  std::string solution;  // with its last line #### answer
  std::string gold;
};

/// \return empty where there is no shared/data
std::vector<Problem> problems() {
  std::vector<Problem> result;
  const auto data = testing::shared_data();
  if (!data) return result;
  std::ifstream in(*data / "gsm8k" / "test.jsonl");
  constexpr std::string_view kMark = "#### ";
  for (std::string line; std::getline(in, line);) {
    Problem problem;
    problem.solution = nlohmann::json::parse(line)["answer"].get<std::string>();
    problem.gold = problem.solution.substr(problem.solution.rfind(kMark) + kMark.size());
    result.push_back(std::move(problem));
  }
  return result;
}

class Gsm8k : public ::testing::Test {
 protected:
  void SetUp() override {
    if (golds_.empty()) GTEST_SKIP() << "no shared/data";
    ASSERT_EQ(golds_.size(), 1319u);
  }
  const std::vector<Problem> golds_ = problems();
};

Grade graded(const Problem& problem, std::string_view pred) {
  return GoldAnswer(problem.gold).grade(pred).grade;
}

TEST_F(Gsm8k, EveryAnswerEqualsItself) {
  for (const Problem& problem : golds_) {
    EXPECT_EQ(graded(problem, problem.gold), Grade::equal) << problem.gold;
    EXPECT_EQ(grade_answer(problem.gold, problem.gold), Grade::equal) << problem.gold;
    for (const std::string& same : testing::respelled(problem.gold)) {
      EXPECT_EQ(graded(problem, same), Grade::equal) << same;
    }
  }
}

TEST_F(Gsm8k, TheTrainedFormIsReadAndRight) {
  for (const Problem& problem : golds_) {
    const std::string thinking = "<think>\n" + problem.solution + "\n</think>\n";
    for (const std::string& answer :
         {problem.gold, "$" + problem.gold, "\\boxed{" + problem.gold + "}", problem.gold + ".0",
          " " + problem.gold + ".\n", "\\(" + problem.gold + "\\)"}) {
      const std::string completion = thinking + "<answer>" + answer + "</answer>";
      EXPECT_TRUE(well_formed(completion)) << completion;
      EXPECT_EQ(graded(problem, extract_answer(completion).answer), Grade::equal) << answer;
    }
    EXPECT_FALSE(extract_answer(thinking + problem.gold).found);
  }
}

TEST_F(Gsm8k, AnswersAreFoundInFreeText) {
  for (const Problem& problem : golds_) {
    const std::string work = problem.solution.substr(0, problem.solution.rfind("####"));
    const std::string& gold = problem.gold;
    for (const std::string& completion :
         {problem.solution, work + "The answer is " + gold + ".", work + "**Answer:** " + gold,
          work + "So we get $\\boxed{" + gold + "}$.", work + "\\[ \\boxed{" + gold + "} \\]\nThat is all.",
          work + "Final Answer: The final answer is $" + gold + "$. I hope it is correct.",
          "<think>" + work + "</think> The total is $" + gold + "$.",
          work + "<answer>" + gold + "</answer>"}) {
      const FoundAnswer found = find_answer(completion);
      EXPECT_EQ(graded(problem, found.text), Grade::equal)
          << "gold " << gold << ", found " << found.text << " by " << found.where << " in\n"
          << completion;
    }
  }
}

TEST_F(Gsm8k, EditedAnswersAreWrong) {
  RandomStream random(5, 0x67736D38);
  std::size_t tried = 0;
  for (const Problem& problem : golds_) {
    for (const auto kind : {testing::EditKind::digit, testing::EditKind::sign}) {
      for (const std::string& pred : testing::edited(problem.gold, kind, random)) {
        EXPECT_NE(graded(problem, pred), Grade::equal) << problem.gold << " " << pred;
        ++tried;
      }
    }
    if (problem.gold != "0") {
      EXPECT_NE(graded(problem, problem.gold + "0"), Grade::equal) << problem.gold;
    }
    EXPECT_EQ(graded(problem, problem.gold + ", " + problem.gold + "1"), Grade::different) << problem.gold;
  }
  EXPECT_GT(tried, 4000u);
}

}  // namespace
}  // namespace reckon
