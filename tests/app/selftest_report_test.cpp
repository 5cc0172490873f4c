// What `reckon selftest` compares by, and how it shows what came of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>

#include "app/selftest/checks.h"
#include "app/selftest/comparison.h"
#include "app/selftest/report.h"
#include "reckon/base/error.h"

namespace reckon::selftest {
namespace {

using ::testing::HasSubstr;

/// Sets RECKON_SELFTEST_BREAK for a while.
class Broken {
 public:
  explicit Broken(const char* text) { setenv("RECKON_SELFTEST_BREAK", text, 1); }
  ~Broken() { unsetenv("RECKON_SELFTEST_BREAK"); }
};

Outcome compare(const std::vector<float>& left, const std::vector<float>& right) {
  Comparison comparison("row");
  comparison.floats("what", {"left", left}, {"right", right});
  return comparison.outcome("both");
}

TEST(Comparison, ComparesBits) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(compare({1, nan, -0.0F}, {1, nan, -0.0F}).result, Result::pass);
  const Outcome zero = compare({1, 0, 0}, {1, 0, -0.0F});
  EXPECT_EQ(zero.result, Result::fail);
  EXPECT_EQ(zero.detail, "what: value 2 of 3 is 0x0p+0 (bits 00000000) left, -0x0p+0 (bits 80000000) right");
  // 1 and the float after it; the first difference is told, not the second.
  EXPECT_EQ(compare({1, 1}, {std::nextafter(1.0F, 2.0F), 7}).detail,
            "what: value 0 of 2 is 0x1p+0 (bits 3f800000) left, 0x1.000002p+0 (bits 3f800001) right");
}

TEST(Comparison, NothingIsNoAgreement) {
  EXPECT_THAT(compare({}, {}).detail, HasSubstr("0 values left, 0 right (need as many, and at least one)"));
  EXPECT_THAT(compare({1, 2}, {1}).detail, HasSubstr("2 values left, 1 right"));
}

TEST(Comparison, TheFirstFailureIsKept) {
  Comparison comparison("row");
  const std::vector<std::uint32_t> left{4, 5}, right{4, 6};
  comparison.tokens("tokens", {"left", left}, {"right", right});
  comparison.text("text", "left", "a", "right", "b");
  comparison.fail("later");
  EXPECT_EQ(comparison.outcome("").detail, "tokens: value 1 of 2 is 5 left, 6 right");
  EXPECT_EQ(comparison.num_values(), 3U);
}

TEST(Comparison, ASkippedOneSaysWhatItNeeds) {
  Comparison comparison("row");
  comparison.skip("needs a moon");
  EXPECT_EQ(comparison.outcome("x").result, Result::skipped);
  EXPECT_EQ(comparison.outcome("x").compared, "needs a moon");
}

TEST(Comparison, BreaksTheOneThatIsNamed) {
  const std::vector<float> values{1, 2, 3};
  const auto differs_at = [&](const char* variable, std::string_view property) {
    const Broken broken(variable);
    Comparison comparison(property);
    for (int i = 1; i <= 3; ++i) {
      comparison.floats("", {"left", values}, {"right", values});
      if (comparison.has_failed()) return i;
    }
    return 0;
  };
  EXPECT_EQ(differs_at("row", "row"), 1);
  EXPECT_EQ(differs_at("row:3", "row"), 3);
  EXPECT_EQ(differs_at("row:4", "row"), 0);
  EXPECT_EQ(differs_at("row:1", "another row"), 0);
  EXPECT_EQ(differs_at("", "row"), 0);
  const Broken broken("row");
  EXPECT_EQ(compare({1, 2, 3}, {1, 2, 3}).detail,
            "what: value 1 of 3 is 0x1p+1 (bits 40000000) left, 0x1.000002p+1 (bits 40000001) right");
  Comparison text("row");
  text.text("word", "left", "yes", "right", "yes");
  EXPECT_EQ(text.outcome("").detail, "word: \"yes\" left, \"yds\" right");
}

TEST(Comparison, RefusesANumberThatIsNone) {
  for (const char* text : {"row:", "row:0", "row:x", "row:-1", "row:99999999"}) {
    const Broken broken(text);
    try {
      (void)breakage();
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_THAT(error.what(),
                  HasSubstr("need the name of a property, or name:number with a number from 1"));
    }
  }
}

const Row kPassed{"micro-batch", {Result::pass, "weights", ""}, 1.234};
const Row kFailed{
    "grader",
    {Result::fail, "14 known grades",
     "gold 1, answer 2: \"different\" expected, \"equal\" graded, and then many more words that do "
     "not fit a line"},
    0.5};
const Row kSkipped{"ranks 1 = all", skipped("needs mpirun -n 2"), 0};

TEST(SelftestTable, HasColumns) {
  EXPECT_EQ(table_head(), "property            result      time  compared");
  EXPECT_EQ(table_line(kPassed), "micro-batch         pass      1.23 s  weights");
  EXPECT_EQ(table_line(kFailed), "grader              FAIL      0.50 s  14 known grades");
  EXPECT_EQ(table_line(kSkipped), "ranks 1 = all       skipped (needs mpirun -n 2)");
  for (const Check& check : kChecks) EXPECT_LE(check.name.size(), 18U) << check.name;
}

TEST(SelftestTable, TellsBelowWhatFailed) {
  EXPECT_EQ(table_foot({kPassed, kFailed, kSkipped}),
            "\nFAIL grader\n"
            "  gold 1, answer 2: \"different\" expected, \"equal\" graded, and then many more\n"
            "  words that do not fit a line\n"
            "\n1 passed, 1 failed, 1 skipped in 1.7 s");
  EXPECT_EQ(table_foot({kPassed}), "\n1 passed, 0 failed, 0 skipped in 1.2 s");
  EXPECT_EQ(failed_properties({kPassed, kFailed, kFailed}), "grader, grader");
  EXPECT_EQ(failed_properties({kPassed, kSkipped}), "");
}

TEST(SelftestTable, ARowIsAJsonObject) {
  const auto object = nlohmann::json::parse(row_json(kFailed));
  EXPECT_EQ(object.size(), 5U);
  EXPECT_EQ(object["property"], "grader");
  EXPECT_EQ(object["result"], "fail");
  EXPECT_EQ(object["seconds"], 0.5);
  EXPECT_EQ(object["compared"], "14 known grades");
  EXPECT_EQ(object["detail"], kFailed.outcome.detail);
}

}  // namespace
}  // namespace reckon::selftest
