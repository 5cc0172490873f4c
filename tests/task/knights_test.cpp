#include "reckon/task/knights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <map>
#include <set>

#include "reckon/base/error.h"
#include "reckon/task/task.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

KnightsPuzzle puzzle_of(std::vector<std::string> statements) {
  return KnightsPuzzle(statements, "test");
}

TEST(Knights, TracesAllWorldsStatementByStatement) {
  // A: B is a knave and C a knight. B: A and C are alike. C: A is a knave.
  //   000: A says false (C no knight), as a knave must: 0. B says 0 = 0, true, but is a knave: 1x
  //   001: A says true, but is a knave: 1x
  //   010: A false: 0; B true and a knight: 1; C says true, but is a knave: 1x
  //   011: A false: 0; B says 0 = 1, false, but is a knight: 0x
  //   100: A says false (C no knight), but is a knight: 0x
  //   101: A true: 1; B says 1 = 1, true, but is a knave: 1x
  //   110: A false, but a knight: 0x      111: A false (B a knight), but a knight: 0x
  EXPECT_EQ(puzzle_of({"~B&C", "A=C", "~A"}).steps(),
            "000:01x;001:1x;010:011x;011:00x;100:0x;101:11x;110:0x;111:0x");
  EXPECT_TRUE(puzzle_of({"~B&C", "A=C", "~A"}).solutions().empty());
}

TEST(Knights, MarksTheConsistentWorld) {
  // A: at least one of B, C is no knave. B: A is a knave. C: A and B are knaves.
  //   000: A 0; B says true: 01x    001: A true: 1x     010: A true: 1x      011: A true: 1x
  //   100: A says 0|0: 0x           101: A 1; B 0; C 0, but a knight: 100x   110: A 1; B 0, but a knight: 10x
  //   111: A 1; B 0x
  EXPECT_EQ(puzzle_of({"B|C", "~A", "~A&~B"}).steps(),
            "000:01x;001:1x;010:1x;011:1x;100:0x;101:100x;110:10x;111:10x");
  // The classic: A says "we are both knaves". Then A lies, and B is a knight.
  const auto classic = puzzle_of({"~A&~B", "B"});
  EXPECT_EQ(classic.steps(), "00:1x;01:01v;10:0x;11:0x");
  EXPECT_THAT(classic.solutions(), ElementsAre(1u));
  EXPECT_EQ(classic.bits(1), "01");
}

TEST(Knights, ReadsCompoundStatements) {
  const auto puzzle = puzzle_of({"(A&~B)|C", "~(A=(B|C))", "A"});
  // world 100: (1&1)|0 = 1; ~(1=(0|0)) = ~0 = 1
  EXPECT_TRUE(puzzle.statement_is_true(0, 0b100));
  EXPECT_TRUE(puzzle.statement_is_true(1, 0b100));
  // world 010: (0&0)|0 = 0; ~(0=(1|0)) = 1
  EXPECT_FALSE(puzzle.statement_is_true(0, 0b010));
  EXPECT_TRUE(puzzle.statement_is_true(1, 0b010));
}

TEST(Knights, RefusesWhatIsNoStatement) {
  for (const std::string text :
       {"", "~", "C", "a", "A&", "&A", "A&B&A", "(A", "A)", "A B", "A+B", "()", "AA"}) {
    try {
      (void)puzzle_of({text, "A"});
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_THAT(error.what(), HasSubstr("test: statement \"" + text + "\" cannot be read at byte"));
      EXPECT_THAT(error.what(), HasSubstr("(need names A .. B, ~ & | = and parentheses)"));
    }
  }
  EXPECT_THROW((void)puzzle_of({std::string(1'000'000, '~') + "A"}), Error);
  EXPECT_THROW((void)puzzle_of({std::string(1'000'000, '(')}), Error);
  EXPECT_THROW((void)puzzle_of({}), Error);
  EXPECT_THROW((void)puzzle_of(std::vector<std::string>(9, "A")), Error);
}

Grade grade_of(std::string_view answer) {  // solution: A knave, B knight
  static const auto task = make_verifier(TaskKind::knights);
  return task->grade(R"({"statements":["~A&~B","B"]})", answer);
}

TEST(KnightsVerifier, AcceptsBitsAndSentences) {
  for (const std::string_view answer :
       {"01", " 01\n", "A is a knave, B is a knight", "B is a knight, A is a knave",
        "A is a knave and B is a knight.", "A is a knave, and B is a knight"}) {
    EXPECT_EQ(grade_of(answer), Grade::equal) << answer;
  }
  EXPECT_EQ(grade_of(""), Grade::no_answer);
  EXPECT_EQ(grade_of(" "), Grade::no_answer);
}

TEST(KnightsVerifier, RefusesTricks) {
  for (const std::string_view answer : {"00",
                                        "10",
                                        "11",
                                        "1",
                                        "001",
                                        "0 1",
                                        "01 10",
                                        "01,11",
                                        "10 or 01",
                                        "01.",
                                        "AB",
                                        "01x",
                                        "v",
                                        "01:01v",
                                        "A is a knight, B is a knight",
                                        "A is a knave",
                                        "A is a knave, A is a knave",
                                        "A is a knave, B is a knight, A is a knight",
                                        "A is a knave, B is a knight, B is a knave",
                                        "A is a knave, B is a knight, C is a knave",
                                        "it is false that A is a knight, B is a knight",
                                        "it is false that A is a knave, B is a knight",
                                        "A is a knave, it is false that B is a knave",
                                        "A is not a knight, B is a knight",
                                        "A is a knave B is a knight",
                                        "A is a knave,B is a knight",
                                        "A is a knave; B is a knight",
                                        "A is a knave, B is a knight or knave",
                                        "A is a knave, B is a knight..",
                                        "a is a knave, b is a knight",
                                        "A is a knavish, B is a knight",
                                        ", A is a knave, B is a knight",
                                        "A is a knave, B is a knight,",
                                        "\xD0\x90 is a knave, B is a knight" /* Cyrillic A */}) {
    EXPECT_EQ(grade_of(answer), Grade::different) << answer;
  }
  EXPECT_EQ(grade_of(std::string(10'000'000, '0')), Grade::different);
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "A is a knave, B is a knight, ";
  EXPECT_EQ(grade_of(many), Grade::different);
}

TEST(KnightsVerifier, GradesByTheStatements) {  // both worlds of a puzzle with two solutions are right
  const auto task = make_verifier(TaskKind::knights);
  const std::string_view spec = R"({"statements":["B","A"]})";
  EXPECT_EQ(task->grade(spec, "00"), Grade::equal);
  EXPECT_EQ(task->grade(spec, "11"), Grade::equal);
  EXPECT_EQ(task->grade(spec, "01"), Grade::different);
  for (const std::string_view bad : {"", "{}", "[]", R"({"statements":"A"})", R"({"statements":[1]})",
                                     R"({"statements":[]})", R"({"statements":["Z"]})"}) {
    EXPECT_THROW((void)task->grade(bad, "0"), Error) << bad;
  }
}

/// An evaluator of its own: rewrites the statement with 0 and 1 for the names until one digit is left.
bool independently_true(std::string text, const std::string& world) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'D') c = world[static_cast<std::size_t>(c - 'A')];
  }
  const std::pair<const char*, const char*> rules[] = {
      {"~0", "1"},  {"~1", "0"},  {"(0)", "0"}, {"(1)", "1"}, {"0&0", "0"}, {"0&1", "0"},
      {"1&0", "0"}, {"1&1", "1"}, {"0|0", "0"}, {"0|1", "1"}, {"1|0", "1"}, {"1|1", "1"},
      {"0=0", "1"}, {"0=1", "0"}, {"1=0", "0"}, {"1=1", "1"}};
  while (text.size() > 1) {
    const auto rule = std::find_if(std::begin(rules), std::end(rules),
                                   [&](const auto& r) { return text.find(r.first) != std::string::npos; });
    if (rule == std::end(rules)) throw std::runtime_error("cannot reduce " + text);
    text.replace(text.find(rule->first), std::string(rule->first).size(), rule->second);
  }
  return text == "1";
}

/// The solutions of a prompt A:...;B:...? by brute force.
std::vector<std::string> brute_force(const std::string& prompt) {
  std::vector<std::string> statements;
  std::string current;
  for (const char c : prompt.substr(0, prompt.size() - 1) + ";") {
    if (c == ';') {
      statements.push_back(current.substr(2));
      current.clear();
    } else {
      current += c;
    }
  }
  std::vector<std::string> found;
  for (unsigned number = 0; number < (1u << statements.size()); ++number) {
    std::string world;
    for (std::size_t i = statements.size(); i-- > 0;) world += ((number >> i) & 1u) != 0 ? '1' : '0';
    bool consistent = true;
    for (std::size_t i = 0; i < statements.size(); ++i) {
      consistent = consistent && independently_true(statements[i], world) == (world[i] == '1');
    }
    if (consistent) found.push_back(world);
  }
  return found;
}

TEST(KnightsGenerator, EveryProblemHasOneSolutionByBruteForce) {
  const auto task = make_verifier(TaskKind::knights);
  const std::size_t people[] = {2, 3, 3, 4, 4};
  for (const std::int64_t level : task->levels()) {
    std::map<std::string, int> answers;
    for (std::uint64_t index = 0; index < 400; ++index) {
      const Problem problem = task->problem(level, index % 2 == 0 ? Split::train : Split::held_out, 3, index);
      ASSERT_THAT(brute_force(problem.prompt), ElementsAre(problem.answer)) << problem.prompt;
      ASSERT_EQ(problem.answer.size(), people[level - 1]);
      ASSERT_THAT(problem.trace, HasSubstr("v"));
      ASSERT_EQ(problem.trace.find_first_not_of(task->alphabet() + "<>/thinkaswer"), std::string::npos);
      ASSERT_EQ(grade_completion(*task, problem.spec, problem.trace, FinishReason::eos), Grade::equal);
      ASSERT_EQ(task->grade(problem.spec, task->wrong_answer(problem)), Grade::different);
      ++answers[problem.answer];
    }
    for (const auto& [bits, count] : answers)
      EXPECT_LT(count, 200) << "level " << level << " answer " << bits;
  }
}

TEST(KnightsGenerator, CountsItsProblemsAsBruteForceDoes) {  // level 2, statements collected from the prompts
  const auto task = make_verifier(TaskKind::knights);
  std::set<std::string> statements;
  for (std::uint64_t index = 0; index < 2000; ++index) {
    const std::string prompt = task->problem(2, Split::train, 1, index).prompt;
    for (std::size_t at = 0; at < prompt.size(); at = prompt.find_first_of(";?", at) + 1) {
      statements.insert(prompt.substr(at + 2, prompt.find_first_of(";?", at) - at - 2));
    }
  }
  // ~X of oneself never has a solution, so it is never seen as such, but is said of others.
  ASSERT_EQ(statements.size(), 36u);  // 3 names, with or without ~; 3 pairs with 4 forms of & and |, 2 of =
  std::map<std::string, std::vector<unsigned>>
      worlds;  // statement -> for each speaker the worlds, one bit each
  for (const std::string& text : statements) {
    for (std::size_t speaker = 0; speaker < 3; ++speaker) {
      unsigned set = 0;
      for (unsigned world = 0; world < 8; ++world) {
        const std::string bits = {static_cast<char>('0' + (world >> 2)),
                                  static_cast<char>('0' + ((world >> 1) & 1)),
                                  static_cast<char>('0' + (world & 1))};
        if (independently_true(text, bits) == (bits[speaker] == '1')) set |= 1u << world;
      }
      worlds[text].push_back(set);
    }
  }
  std::uint64_t count = 0;
  for (const auto& a : worlds) {
    for (const auto& b : worlds) {
      for (const auto& c : worlds)
        count += std::popcount(a.second[0] & b.second[1] & c.second[2]) == 1 ? 1 : 0;
    }
  }
  EXPECT_EQ(task->distinct_problems(2), count);
  EXPECT_GT(count, 4 * kMinDistinctProblems);
}

}  // namespace
}  // namespace reckon
