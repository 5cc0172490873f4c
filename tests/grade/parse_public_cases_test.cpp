// The parser on the cases of public graders: shared/data/grading/README.md says what the kinds are.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "parsed.h"
#include "support/paths.h"

namespace reckon {
namespace {

using testing::tree;

std::vector<nlohmann::json> cases_of(std::string_view kind_prefix) {
  std::vector<nlohmann::json> cases;
  const auto data = testing::shared_data();
  if (!data) return cases;
  std::ifstream file(*data / "grading" / "public_cases.jsonl");
  for (std::string line; std::getline(file, line);) {
    nlohmann::json row = nlohmann::json::parse(line);
    if (row["kind"].get<std::string>().starts_with(kind_prefix)) cases.push_back(std::move(row));
  }
  return cases;
}

bool is_text(const Expr& expr) {
  return expr.op == Op::text || std::any_of(expr.args.begin(), expr.args.end(), is_text);
}

TEST(ParsePublicCases, EveryDerivedCaseIsMathematics) {
  if (!testing::shared_data()) GTEST_SKIP() << "shared/data is not here";
  const auto cases = cases_of("derived");
  EXPECT_EQ(cases.size(), 1120U);
  for (const auto& row : cases) {
    for (const char* side : {"gold", "pred"}) {
      const auto text = row[side].get<std::string>();
      const ParsedAnswer answer = parse_answer(text);
      EXPECT_EQ(answer.status, ParseStatus::ok) << row["id"] << " " << text << ": " << answer.reason;
      EXPECT_FALSE(is_text(answer.expr)) << row["id"] << " " << text;
    }
  }
}

TEST(ParsePublicCases, NoMalformedCaseIsAnAnswer) {
  if (!testing::shared_data()) GTEST_SKIP() << "shared/data is not here";
  const auto cases = cases_of("parse_fail");
  EXPECT_EQ(cases.size(), 17U);
  for (const auto& row : cases) {
    const auto text = row["pred"].get<std::string>();
    const ParseStatus status = parse_answer(text).status;
    EXPECT_TRUE(status == ParseStatus::malformed || status == ParseStatus::refused)
        << row["id"] << " " << text;
  }
}

/// Where both sides are to be equal and SymPy prints the tree as it was read, the trees are the same. This
/// holds for fewer than half of the cases (SymPy sorts terms and evaluates numbers), but for no case that is
/// to differ.
TEST(ParsePublicCases, EqualTreesAreNeverADifferentCase) {
  if (!testing::shared_data()) GTEST_SKIP() << "shared/data is not here";
  int equal = 0;
  for (const auto& row : cases_of("derived_equiv")) {
    equal += tree(row["gold"].get<std::string>()) == tree(row["pred"].get<std::string>()) ? 1 : 0;
  }
  EXPECT_GT(equal, 200);
  for (const auto& row : cases_of("derived_neg")) {
    EXPECT_NE(tree(row["gold"].get<std::string>()), tree(row["pred"].get<std::string>())) << row["id"];
  }
}

/// Pairs of the suites whose texts are answers by themselves: short, without the prose around an answer.
TEST(ParsePublicCases, EveryBareAnswerOfASuiteIsRead) {
  if (!testing::shared_data()) GTEST_SKIP() << "shared/data is not here";
  constexpr std::array<std::string_view, 4> kNoAnswers = {
      "math-verify-0116",  // \zzz, an unknown macro
      "math-verify-0142",  // \f of the suite's source became a control character
      "math-verify-0230",  // an unclosed box: text
      "math-verify-0232",  // \n as two characters: text
  };
  int read = 0;
  for (const auto& row : cases_of("equiv")) {
    if (std::find(kNoAnswers.begin(), kNoAnswers.end(), row["id"].get<std::string>()) != kNoAnswers.end())
      continue;
    for (const char* side : {"gold", "pred"}) {
      const auto text = row[side].get<std::string>();
      if (text.size() > 150) continue;
      const ParsedAnswer answer = parse_answer(text, Comma::is_decimal_point);
      EXPECT_EQ(answer.status, ParseStatus::ok) << row["id"] << " " << text << ": " << answer.reason;
      read += is_text(answer.expr) ? 0 : 1;
    }
  }
  EXPECT_GT(read, 180);
}

}  // namespace
}  // namespace reckon
