// Golds as MATH has them: each against itself, against other ways to write it, and against what one edit
// makes of it. Of the edited ones at most 0.3 % may be accepted; those that are are printed.
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>

#include "reckon/grade/grade.h"
#include "support/answer_edits.h"
#include "support/math_answers.h"
#include "support/paths.h"

namespace reckon {
namespace {

using testing::EditKind;
using testing::MathAnswer;

constexpr std::uint32_t kStream = 0x6D757461;
constexpr double kMaxAccepted = 0.003;

/// Some 1,000 answers as often as MATH-train has their kinds, and more of the kinds that are rare there.
std::vector<MathAnswer> made_answers() {
  RandomStream random(1, kStream);
  std::vector<MathAnswer> answers;
  for (std::size_t i = 0; i < testing::sweep_size(1000, 20'000); ++i) {
    answers.push_back(testing::math_answer(random));
  }
  for (const auto& kind : testing::answer_kinds()) {
    for (std::size_t i = 0; i < testing::sweep_size(60, 1000); ++i) {
      answers.push_back(testing::math_answer(kind.name, random));
    }
  }
  return answers;
}

/// Edits that happen to give an equal answer, for a reason of mathematics.
bool is_equal_by_luck(std::string_view gold, std::string_view pred) {
  static const std::set<std::pair<std::string_view, std::string_view>> kEqual = {
      {"\\binom{10}{3}", "\\binom{10}{7}"},                        // n over k is n over n - k
      {"\\frac{\\binom{5}{2}}{32}", "\\frac{\\binom{5}{3}}{32}"},  // the same
  };
  return kEqual.count({gold, pred}) > 0;
}

struct Tally {
  std::size_t tried = 0;
  std::size_t accepted = 0;
  [[nodiscard]] double share() const {
    return tried == 0 ? 0 : static_cast<double>(accepted) / static_cast<double>(tried);
  }
};

class Tallies {
 public:
  void count(const GoldAnswer& gold, std::string_view text, EditKind kind, const std::string& pred) {
    if (is_equal_by_luck(text, pred)) return;
    Tally& tally = by_kind_[kind];
    ++tally.tried;
    if (gold.grade(pred).grade != Grade::equal) return;
    ++tally.accepted;
    std::cout << "accepted: " << name_of(kind) << ": " << text << "   for   " << pred << "\n";
  }

  /// At most 0.3 % of each kind of edit, and of all.
  void expect_few_accepted() const {
    Tally all;
    for (const auto& [kind, tally] : by_kind_) {
      std::cout << name_of(kind) << ": " << tally.accepted << " of " << tally.tried << " accepted\n";
      EXPECT_GT(tally.tried, 100u) << name_of(kind);
      EXPECT_LT(tally.share(), kMaxAccepted) << name_of(kind);
      all.tried += tally.tried;
      all.accepted += tally.accepted;
    }
    EXPECT_EQ(by_kind_.size(), testing::kEditKinds.size());
    EXPECT_LT(all.share(), kMaxAccepted);
  }

 private:
  std::map<EditKind, Tally> by_kind_;
};

void count_edits(std::string_view text, RandomStream& random, Tallies& tallies) {
  const GoldAnswer gold(text);
  for (const EditKind kind : testing::kEditKinds) {
    for (const std::string& pred : testing::edited(text, kind, random)) {
      tallies.count(gold, text, kind, pred);
    }
  }
}

void expect_equal(const GoldAnswer& gold, std::string_view text, std::string_view pred) {
  const GradeResult result = gold.grade(pred);
  EXPECT_EQ(result.grade, Grade::equal) << "gold " << text << "\npred " << pred << "\n"
                                        << enum_name(result.grade) << " " << result.reason;
}

TEST(GradeMutation, MadeAnswersEqualThemselvesAndTheirOtherForms) {
  for (const MathAnswer& answer : made_answers()) {
    const GoldAnswer gold(answer.text);
    ASSERT_TRUE(gold.is_readable()) << answer.text << ": " << gold.problem();
    ASSERT_GE(answer.same.size(), 3u) << answer.text;
    expect_equal(gold, answer.text, answer.text);
    for (const std::string& same : answer.same) expect_equal(gold, answer.text, same);
    for (const std::string& same : testing::respelled(answer.text)) expect_equal(gold, answer.text, same);
  }
}

TEST(GradeMutation, WrittenAnswersEqualThemselvesAndTheirOtherForms) {
  EXPECT_GE(testing::written_answers().size(), 200u);
  for (const std::string_view text : testing::written_answers()) {
    const GoldAnswer gold(text);
    ASSERT_TRUE(gold.is_readable()) << text << ": " << gold.problem();
    expect_equal(gold, text, text);
    const std::vector<std::string> ways = testing::respelled(text);
    EXPECT_GE(ways.size(), 3u) << text;
    for (const std::string& same : ways) expect_equal(gold, text, same);
  }
}

TEST(GradeMutation, EditsOfMadeAnswersAreNotAccepted) {
  RandomStream random(2, kStream);
  Tallies tallies;
  for (const MathAnswer& answer : made_answers()) count_edits(answer.text, random, tallies);
  tallies.expect_few_accepted();
}

TEST(GradeMutation, EditsOfWrittenAnswersAreNotAccepted) {
  RandomStream random(3, kStream);
  Tallies tallies;
  for (std::size_t round = 0; round < testing::sweep_size(2, 20); ++round) {
    for (const std::string_view text : testing::written_answers()) count_edits(text, random, tallies);
  }
  tallies.expect_few_accepted();
}

TEST(GradeMutation, OtherAnswersOfTheSameKindAreNotAccepted) {
  RandomStream random(4, kStream);
  std::size_t tried = 0;
  for (const auto& kind : testing::answer_kinds()) {
    for (std::size_t i = 0; i < testing::sweep_size(100, 2000); ++i) {
      const MathAnswer gold = testing::math_answer(kind.name, random);
      const MathAnswer other = testing::math_answer(kind.name, random);
      if (kind.name == "fraction" || gold.text == other.text) continue;  // 1/2 and 2/4
      EXPECT_NE(GoldAnswer(gold.text).grade(other.text).grade, Grade::equal)
          << gold.text << " " << other.text;
      ++tried;
    }
  }
  EXPECT_GT(tried, 1000u);
}

}  // namespace
}  // namespace reckon
