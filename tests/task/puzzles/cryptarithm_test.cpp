#include <algorithm>
#include <map>

#include "../../../src/task/puzzles/search_cryptarithm.h"
#include "grid_checks.h"

namespace reckon {
namespace {

using testing::check_levels;
using testing::expect_grade;
using testing::spec_error;

constexpr std::string_view kMoney = R"({"addends":["SEND","MORE"],"sum":["MONEY"]})";

TEST(CryptarithmVerifier, AcceptsTheKnownSolution) {  // 9567 + 1085 = 10652
  expect_grade(
      TaskKind::cryptarithm, kMoney, Grade::equal,
      {"S=9,E=5,N=6,D=7,M=1,O=0,R=8,Y=2", "D=7 E=5 M=1 N=6 O=0 R=8 S=9 Y=2",
       "d=7, e=5, m=1, n=6, o=0, r=8, s=9, y=2.", "S = 9\nE = 5\nN = 6\nD = 7\nM = 1\nO = 0\nR = 8\nY = 2"});
}

TEST(CryptarithmVerifier, AcceptsEverySolution) {  // A + B = C has many
  constexpr std::string_view kMany = R"({"addends":["A","B"],"sum":["C"]})";
  expect_grade(TaskKind::cryptarithm, kMany, Grade::equal, {"A=1,B=2,C=3", "A=5,B=4,C=9"});
  expect_grade(TaskKind::cryptarithm, kMany, Grade::different,
               {"A=2,B=2,C=4", "A=0,B=2,C=2", "A=1,B=0,C=1", "A=1,B=2,C=4"});
}

TEST(CryptarithmVerifier, RefusesEverythingElse) {
  expect_grade(TaskKind::cryptarithm, kMoney, Grade::different,
               {"S=2,E=8,N=1,D=7,M=0,O=3,R=6,Y=5",      // 2817 + 0368 = 03185, but M begins with 0
                "S=9,E=5,N=6,D=7,M=1,O=0,R=8",          // Y is missing
                "S=9,E=5,N=6,D=7,M=1,O=0,R=8,Y=2,X=3",  // there is no X
                "S=9,E=5,N=6,D=7,M=1,O=0,R=8,Y=2,Y=2", "S=9,E=5,N=6,D=7,M=1,O=0,R=8,Y=3",
                "S=9,E=5,N=6,D=7,M=1,O=0,R=8,Y=2,", ",S=9,E=5,N=6,D=7,M=1,O=0,R=8,Y=2",
                "S=9,,E=5,N=6,D=7,M=1,O=0,R=8,Y=2", "S=9E=5N=6D=7M=1O=0R=8Y=2",
                "S=9;E=5;N=6;D=7;M=1;O=0;R=8;Y=2", "S=09,E=5,N=6,D=7,M=1,O=0,R=8,Y=2",
                "S:9,E:5,N:6,D:7,M:1,O:0,R:8,Y:2", "9567 + 1085 = 10652", "{S=9,E=5,N=6,D=7,M=1,O=0,R=8,Y=2}",
                "S=9,E=5,N=6,D=7,M=1,O=0,R=8,Y=2 or Y=3", "S==9,E=5,N=6,D=7,M=1,O=0,R=8,Y=2", "S=9"});
}

TEST(CryptarithmVerifier, NamesWhatIsWrongWithASpec) {
  const auto error = [](std::string_view spec) { return spec_error(TaskKind::cryptarithm, spec); };
  EXPECT_EQ(error("{}"), "cryptarithm: spec: no \"addends\" (need a member of that name)");
  EXPECT_EQ(error(R"({"addends":["A"],"sum":["B"]})"),
            "cryptarithm: spec: \"addends\" has 1 entries (need an array of 2 to 6 strings)");
  EXPECT_EQ(error(R"({"addends":["A",""],"sum":["B"]})"),
            "cryptarithm: spec: \"addends\" has an entry that is no string of 1 to 12 bytes");
  EXPECT_EQ(error(R"({"addends":["A",3],"sum":["B"]})"),
            "cryptarithm: spec: \"addends\" has an entry that is no string of 1 to 12 bytes");
  EXPECT_EQ(error(R"({"addends":["A","BC"],"sum":["D"]})"),
            "cryptarithm: spec: \"addends\" has a word longer than the sum (need none)");
  EXPECT_EQ(error(R"({"addends":["A","b"],"sum":["C"]})"),
            "cryptarithm: spec: words with other characters than A to Z (need capital letters)");
  EXPECT_EQ(error(R"({"addends":["ABCD","EFGH"],"sum":["IJKL"]})"),
            "cryptarithm: spec: 12 letters (need at most 10, one a digit)");
}

TEST(Cryptarithm, CountsSolutionsOfKnownPuzzles) {
  const auto count = [](std::vector<std::string> addends, const std::string& sum) {
    return count_solutions({std::move(addends), sum}, 1000, 100'000'000);
  };
  EXPECT_EQ(count({"SEND", "MORE"}, "MONEY"), 1);
  // A < B: 1+2..1+8 (7), 2+3..2+7 (5), 3+4..3+6 (3), 4+5 (1); each in two orders.
  EXPECT_EQ(count({"A", "B"}, "C"), 32);
  EXPECT_EQ(count({"A", "A"}, "B"), 4);                               // 1+1 .. 4+4
  EXPECT_EQ(count({"A", "A"}, "A"), 0);                               // 0 alone
  EXPECT_EQ(count_solutions({{"SEND", "MORE"}, "MONEY"}, 2, 10), 2);  // given up
}

TEST(Cryptarithm, WritesPuzzlesInOneWay) {
  LetterDigits digits;
  // 12 + 21 = 33 both ways round; as 12 comes first or 21, the words are AB + BA = CC.
  EXPECT_EQ(cryptarithm_text(canonical_cryptarithm({12, 21}, digits)), "AB + BA = CC");
  EXPECT_EQ(cryptarithm_text(canonical_cryptarithm({21, 12}, digits)), "AB + BA = CC");
  // 77 + 98 = 175: AA + BC = DAE; the other order is AB + CC = DCE, which comes later.
  EXPECT_EQ(cryptarithm_text(canonical_cryptarithm({98, 77}, digits)), "AA + BC = DAE");
  EXPECT_EQ(digits[0], 7);
  EXPECT_EQ(digits[4], 5);
}

TEST(Cryptarithm, WritesTheSumColumnByColumn) {  // 98 + 7 = 105
  LetterDigits digits;
  const Cryptarithm puzzle = canonical_cryptarithm({98, 7}, digits);
  ASSERT_EQ(cryptarithm_text(puzzle), "A + BC = DEF");
  EXPECT_EQ(column_steps(puzzle, digits),
            "A + C = 7 + 8 = 15: F = 5, carry 1\n"
            "B + carry = 9 + 1 = 10: E = 0, carry 1\n"
            "carry = 1 = 1: D = 1, carry 0\n");
}

/// Tries all ways to give different digits to the letters; the sum is a linear function of them. At most 2.
int brute_force(const std::vector<std::pair<std::int64_t, bool>>& letters, std::size_t at, unsigned used,
                std::int64_t total) {
  if (at == letters.size()) return total == 0 ? 1 : 0;
  int count = 0;
  for (int digit = letters[at].second ? 1 : 0; digit < 10 && count < 2; ++digit) {
    if ((used >> digit) & 1u) continue;
    count += brute_force(letters, at + 1, used | 1u << digit, total + letters[at].first * digit);
  }
  return count;
}

int brute_force(const std::vector<std::string>& addends, const std::string& sum) {
  std::map<char, std::pair<std::int64_t, bool>> weights;
  const auto add = [&](const std::string& word, std::int64_t sign) {
    std::int64_t weight = sign;
    for (std::size_t i = word.size(); i-- > 0; weight *= 10) weights[word[i]].first += weight;
    weights[word[0]].second = true;
  };
  for (const std::string& word : addends) add(word, 1);
  add(sum, -1);
  std::vector<std::pair<std::int64_t, bool>> letters;
  for (const auto& [letter, weight] : weights) letters.push_back(weight);
  return brute_force(letters, 0, 0, 0);
}

TEST(CryptarithmGenerator, KeepsThePromisesOfItsLevels) {
  const std::size_t addends[] = {2, 2, 2, 3, 3};
  const std::size_t length[] = {2, 3, 4, 4, 5};
  check_levels(TaskKind::cryptarithm, [&](const Problem& problem, const nlohmann::json& spec) {
    const auto level = static_cast<std::size_t>(problem.level - 1);
    const auto words = spec["addends"].get<std::vector<std::string>>();
    ASSERT_EQ(words.size(), addends[level]);
    for (const std::string& word : words) ASSERT_EQ(word.size(), length[level]);
    if (level == 4 && problem.index % 4 != 0) return;  // up to 3.6 million ways
    ASSERT_EQ(brute_force(words, spec["sum"][0]), 1) << problem.prompt;
  });
}

/// a + b = c with letters in the order of their first appearance for digits.
std::string named(int a, int b) {
  std::string text = std::to_string(a) + " + " + std::to_string(b) + " = " + std::to_string(a + b);
  std::map<char, char> letters;
  for (char& c : text) {
    if (c < '0' || c > '9') continue;
    c = letters.emplace(c, static_cast<char>('A' + letters.size())).first->second;
  }
  return text;
}

/// Puzzles of two addends with one solution: the solutions of a text are the sums that are named so.
std::uint64_t count_puzzles(int low, int high) {
  std::map<std::string, int> solutions;
  std::set<std::string> puzzles;
  for (int a = low; a <= high; ++a) {
    for (int b = low; b <= high; ++b) {
      const std::string text = named(a, b);
      ++solutions[text];
      if (text.find('C') != std::string::npos) puzzles.insert(std::min(text, named(b, a)));
    }
  }
  return static_cast<std::uint64_t>(std::count_if(
      puzzles.begin(), puzzles.end(), [&](const std::string& text) { return solutions[text] == 1; }));
}

TEST(CryptarithmGenerator, CountsItsProblemsAsBruteForceDoes) {
  const auto task = make_verifier(TaskKind::cryptarithm);
  EXPECT_EQ(task->distinct_problems(1), count_puzzles(10, 99));
  EXPECT_EQ(task->distinct_problems(2), count_puzzles(100, 999));
  EXPECT_EQ(testing::count_drawn(TaskKind::cryptarithm, 1, 4000), 40u);
  testing::expect_many_problems(TaskKind::cryptarithm, 3);
}

TEST(CryptarithmGenerator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::cryptarithm), "2326cc64 16121e70 7d7318f4 854ed279 15b7eb81");
}

}  // namespace
}  // namespace reckon
