#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "reckon/grade/find_answer.h"
#include "reckon/grade/grade.h"
#include "support/paths.h"

namespace reckon {
namespace {

using nlohmann::json;

struct Tally {
  int agree = 0;
  int total = 0;
};

/// Kinds that say whether an answer is right; formats and malformed answers have tests of their own.
bool is_graded(const json& row) {
  const std::string kind = row["kind"];
  return kind == "equiv" || kind == "reward" || kind == "derived_equiv" || kind == "derived_neg" ||
         kind == "rg_scoring";
}

Grade grade_row(const json& row) {
  GradeOptions options;
  if (row["flags"].contains("allow_set_relation_comp")) {
    options.inequality_for_interval = row["flags"]["allow_set_relation_comp"].get<bool>();
  }
  const GoldAnswer gold(find_answer(row["gold"].get<std::string>()).text, options);
  return gold.grade(find_answer(row["pred"].get<std::string>()).text).grade;
}

/// The test cases that public graders hold themselves to (shared/data/grading/README.md).
TEST(PublicCases, AgreeWithTheirExpectations) {
  const auto data = testing::shared_data();
  if (!data) GTEST_SKIP() << "no shared/data";
  std::ifstream in(*data / "grading" / "public_cases.jsonl");
  std::map<std::string, Tally> tallies;
  Tally all;
  for (std::string line; std::getline(in, line);) {
    const json row = json::parse(line);
    if (!is_graded(row) || row["expected"].is_null() || row.contains("quirk")) continue;
    const Grade grade = grade_row(row);
    const bool agrees = (grade == Grade::equal) == row["expected"].get<bool>();
    Tally& tally = tallies[row["source"].get<std::string>() + " " + row["kind"].get<std::string>()];
    for (Tally* sum : {&tally, &all}) {
      sum->agree += agrees ? 1 : 0;
      ++sum->total;
    }
    if (!agrees) {
      std::cout << row["id"] << " expected " << row["expected"] << ", graded " << enum_name(grade)
                << "\n  gold " << row["gold"].dump().substr(0, 300) << "\n  pred "
                << row["pred"].dump().substr(0, 300) << "\n";
    }
  }
  for (const auto& [name, tally] : tallies)
    std::cout << name << ": " << tally.agree << " of " << tally.total << "\n";
  EXPECT_EQ(tallies["math-verify equiv"].agree, tallies["math-verify equiv"].total);
  EXPECT_GE(all.agree, 0.97 * all.total);
  EXPECT_GT(all.total, 1000);
}

}  // namespace
}  // namespace reckon
