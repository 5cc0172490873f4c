#include <bit>
#include <map>

#include "grid_checks.h"

namespace reckon {
namespace {

using testing::check_levels;
using testing::expect_grade;
using ::testing::HasSubstr;
using testing::spec_error;

constexpr std::string_view kSpec = R"({"numbers":[3,5,8,10],"target":55})";

TEST(CountdownVerifier, AcceptsEveryExpressionThatFollowsTheRules) {
  // 8 + 3 = 11, 5 * 11 = 55; 10 - 5 = 5; 10 * 5 = 50, 8 - 3 = 5
  expect_grade(TaskKind::countdown, kSpec, Grade::equal,
               {"5 * (8 + 3)", "(8+3)*5", "(10 - 5) * (8 + 3)", "10 * 5 + 8 - 3", "5 * (3 + 8) = 55",
                "5 \xC3\x97 (8 + 3)."});
}

TEST(CountdownVerifier, RefusesTricks) {
  expect_grade(
      TaskKind::countdown, kSpec, Grade::different,
      {"55", "5 * 11", "5 * 8 + 3 * 5", "5 * (8 + 3) * 1", "10 * 5 + 5", "5(8+3)", "5 * (8 + 3) = 56",
       "5 * (8 + 3), 5 * (3 + 8)", "58 - 3", "5.5 * 10", "10**2 - 45", "8 * 5 + 10 + 3", "35 + 5 * 8 / 2",
       "-5 * (0 - 8 - 3)", "5 * (8 + 3) or 54", "eval('55')", "{3,5,8}", "[5*(8+3)]"});
}

TEST(CountdownVerifier, NamesWhatIsWrongWithASpec) {
  EXPECT_THAT(spec_error(TaskKind::countdown, ""), HasSubstr("countdown: spec: not JSON"));
  EXPECT_EQ(spec_error(TaskKind::countdown, "[]"), "countdown: spec: a JSON array (need an object)");
  EXPECT_EQ(spec_error(TaskKind::countdown, "{}"),
            "countdown: spec: no \"numbers\" (need a member of that name)");
  EXPECT_EQ(spec_error(TaskKind::countdown, R"({"numbers":[1,2]})"),
            "countdown: spec: no \"target\" (need a member of that name)");
  EXPECT_EQ(spec_error(TaskKind::countdown, R"({"numbers":[],"target":3})"),
            "countdown: spec: \"numbers\" has 0 entries (need an array of 1 to 8 numbers)");
  EXPECT_EQ(spec_error(TaskKind::countdown, R"({"numbers":3,"target":3})"),
            "countdown: spec: \"numbers\" has a JSON number (need an array of 1 to 8 numbers)");
  EXPECT_EQ(spec_error(TaskKind::countdown, R"({"numbers":[1,"2"],"target":3})"),
            "countdown: spec: \"numbers\" has \"2\" (need whole numbers, 1 to 9999)");
  for (const std::string number : {"0", "-1", "10000", "1.5", "1e2", "18446744073709551615", "1e400", "null",
                                   "true", "99999999999999999999999"}) {
    EXPECT_THAT(spec_error(TaskKind::countdown, "{\"numbers\":[1],\"target\":" + number + "}"),
                ::testing::StartsWith("countdown: spec: "))
        << number;
  }
}

/// Values of all trees over the numbers of a set, one entry a tree: the operands of each operation in either
/// order, differences as they are not below 0. Fractions are not reduced.
struct Made {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  bool whole = true;
};

std::vector<Made> all_trees(const std::vector<int>& numbers) {
  if (numbers.size() == 1) return {{numbers[0], 1, true}};
  std::vector<Made> all;
  for (unsigned part = 1; part + 1 < (1u << numbers.size()); part += 2) {  // the first number is on the left
    std::vector<int> left;
    std::vector<int> right;
    for (std::size_t i = 0; i < numbers.size(); ++i) ((part >> i) & 1u ? left : right).push_back(numbers[i]);
    const auto rights = all_trees(right);
    for (const Made& a : all_trees(left)) {
      for (const Made& b : rights) {
        const auto put = [&](std::int64_t numerator, std::int64_t denominator) {
          if (denominator != 0)
            all.push_back({numerator, denominator, a.whole && b.whole && numerator % denominator == 0});
        };
        const std::int64_t first = a.numerator * b.denominator;
        const std::int64_t second = b.numerator * a.denominator;
        const std::int64_t bottom = a.denominator * b.denominator;
        put(first + second, bottom);
        put(std::abs(first - second), bottom);
        put(a.numerator * b.numerator, bottom);
        put(first, second);
        put(second, first);
      }
    }
  }
  return all;
}

struct Ways {
  std::uint64_t ways = 0;
  bool whole = false;
};

/// [value] of all whole values of sets of at most `max_size` numbers.
std::map<std::int64_t, Ways> ways_of(const std::vector<int>& numbers, int max_size) {
  std::map<std::int64_t, Ways> found;
  for (unsigned set = 1; set < (1u << numbers.size()); ++set) {
    if (std::popcount(set) > max_size) continue;
    std::vector<int> chosen;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if ((set >> i) & 1u) chosen.push_back(numbers[i]);
    }
    for (const Made& made : all_trees(chosen)) {
      if (made.numerator % made.denominator != 0) continue;
      Ways& ways = found[made.numerator / made.denominator];
      ++ways.ways;
      ways.whole = ways.whole || made.whole;
    }
  }
  return found;
}

TEST(CountdownGenerator, KeepsThePromisesOfItsLevels) {
  const std::size_t num_numbers[] = {3, 4, 4, 5, 6};
  const int max_value[] = {20, 50, 99, 99, 100};
  const int low_target[] = {10, 10, 50, 100, 100};
  const int high_target[] = {100, 100, 500, 999, 999};
  const std::uint64_t min_ways[] = {5, 3, 2, 0, 0};
  const int too_few[] = {1, 1, 1, 3, 4};
  check_levels(TaskKind::countdown, [&](const Problem& problem, const nlohmann::json& spec) {
    const auto level = static_cast<std::size_t>(problem.level - 1);
    const auto numbers = spec["numbers"].get<std::vector<int>>();
    const int target = spec["target"].get<int>();
    ASSERT_EQ(numbers.size(), num_numbers[level]);
    ASSERT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
    ASSERT_GE(numbers.front(), 1);
    ASSERT_LE(numbers.back(), max_value[level]);
    ASSERT_GE(target, low_target[level]);
    ASSERT_LE(target, high_target[level]);
    if (min_ways[level] > 0) {
      ASSERT_GE(ways_of(numbers, 4)[target].ways, min_ways[level]) << problem.prompt;
    }
    if (problem.index % 8 == 0) {  // too slow for all of them
      ASSERT_EQ(ways_of(numbers, too_few[level])[target].ways, 0u) << problem.prompt;
    }
  });
}

TEST(CountdownGenerator, CountsItsFirstLevelAsBruteForceDoes) {
  std::uint64_t count = 0;
  for (int a = 1; a <= 20; ++a) {
    for (int b = a; b <= 20; ++b) {
      for (int c = b; c <= 20; ++c) {
        for (const auto& [value, ways] : ways_of({a, b, c}, 3)) {
          const bool given = value == a || value == b || value == c;
          count += value >= 10 && value <= 100 && !given && ways.ways >= 5 && ways.whole ? 1 : 0;
        }
      }
    }
  }
  EXPECT_EQ(make_verifier(TaskKind::countdown)->distinct_problems(1), count);
  for (const std::int64_t level : {2, 4}) testing::expect_many_problems(TaskKind::countdown, level);
}

TEST(CountdownGenerator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::countdown), "a53145ff 5ac312ee 7728de1d 8156f102 cfb94c47");
}

/// Whether the four make 24, and whether through whole numbers alone.
struct Makes24 {
  bool at_all = false;
  bool whole = false;
};
Makes24 makes_24(const std::vector<int>& numbers) {
  Makes24 makes;
  for (const Made& made : all_trees(numbers)) {
    if (made.numerator != 24 * made.denominator) continue;
    makes.at_all = true;
    makes.whole = makes.whole || made.whole;
  }
  return makes;
}

TEST(Game24Verifier, WantsAllGivenNumbersOnce) {
  constexpr std::string_view kCards = R"({"numbers":[3,3,8,8]})";
  expect_grade(TaskKind::game24, kCards, Grade::equal, {"8 / (3 - 8 / 3)", "8/(3-8/3) = 24"});
  expect_grade(TaskKind::game24, kCards, Grade::different,
               {"24", "3 * 8", "6*4*1*1", "8 * 3 * 8 / 8", "8 * 3 + 8 - 8 + 3 - 3", "(8 - 3) * 8 - 3 - 13",
                "8 / (3 - 8 // 3)", "8 / 0.333", "3 + 3 + 8 + 8", "33 - 8 - 8 + 7", "8 / (3 - 8 / 3) = 23"});
  EXPECT_EQ(spec_error(TaskKind::game24, R"({"numbers":[3,3,8]})"),
            "game24: spec: \"numbers\" has 3 entries (need an array of 4 numbers)");
  EXPECT_EQ(spec_error(TaskKind::game24, R"({"numbers":[3,3,8,100]})"),
            "game24: spec: \"numbers\" has 100 (need whole numbers, 1 to 99)");
}

TEST(Game24Generator, KeepsThePromisesOfItsLevels) {
  const int max_value[] = {6, 9, 10, 13, 13};
  check_levels(TaskKind::game24, [&](const Problem& problem, const nlohmann::json& spec) {
    const auto numbers = spec["numbers"].get<std::vector<int>>();
    ASSERT_TRUE(std::is_sorted(numbers.begin(), numbers.end()));
    ASSERT_LE(numbers.back(), max_value[problem.level - 1]);
    const Makes24 makes = makes_24(numbers);
    ASSERT_TRUE(makes.at_all);
    ASSERT_EQ(makes.whole, problem.level < 5) << problem.prompt;
  });
}

TEST(Game24Generator, CountsItsProblemsAsBruteForceDoes) {
  const int max_value[] = {6, 9, 10, 13, 13};
  std::uint64_t counts[5] = {};
  for (int a = 1; a <= 13; ++a) {
    for (int b = a; b <= 13; ++b) {
      for (int c = b; c <= 13; ++c) {
        for (int d = c; d <= 13; ++d) {
          const Makes24 makes = makes_24({a, b, c, d});
          for (int level = 0; level < 5; ++level) {
            counts[level] += d <= max_value[level] && makes.at_all && makes.whole == (level < 4) ? 1 : 0;
          }
        }
      }
    }
  }
  const auto task = make_verifier(TaskKind::game24);
  for (const std::int64_t level : task->levels())
    EXPECT_EQ(task->distinct_problems(level), counts[level - 1]);
}

TEST(Game24Generator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::game24), "028e6fe8 fb7bc6a5 3d9c6fc6 1f7dfa81 9d98a15f");
}

}  // namespace
}  // namespace reckon
