#include <map>

#include "grid_checks.h"

namespace reckon {
namespace {

using testing::check_levels;
using testing::expect_grade;
using testing::spec_error;

// Two disks on A to C: 1 to B, 2 to C, 1 to C; up to six moves.
constexpr std::string_view kSpec = R"({"pegs":3,"start":[0,0],"goal":[2,2],"max_moves":6})";

TEST(HanoiVerifier, AcceptsEveryLegalWayThatIsShortEnough) {
  expect_grade(TaskKind::hanoi, kSpec, Grade::equal,
               {"A->B\nA->C\nB->C", "A->B, A->C, B->C", "a->b a->c b->c.", " A -> B\n\nA->\tC ,\nB->C\r\n",
                "A->C\nC->B\nA->C\nB->C",                // a detour of one
                "A->B\nB->C\nC->B\nA->C\nB->C",          // five moves
                "A->B\nB->A\nA->C\nC->B\nA->C\nB->C"});  // six
}

TEST(HanoiVerifier, RefusesIllegalLongAndOtherAnswers) {
  expect_grade(TaskKind::hanoi, kSpec, Grade::different,
               {"A->B\nA->B\nB->C",                          // 2 onto 1
                "A->B\nA->C",                                // not there yet
                "A->B\nA->C\nB->C\nC->A",                    // no longer there
                "A->B\nB->A\nA->B\nB->A\nA->B\nA->C\nB->C",  // seven moves
                "C->A\nA->B\nA->C\nB->C",                    // from an empty peg
                "A->A\nA->B\nA->C\nB->C",
                "A->D\nA->C\nD->C",
                "A->BA->CB->C",
                "AB AC BC",
                "A->B,,A->C,B->C",
                "A->B,A->C,B->C,",
                "A->B; A->C; B->C",
                "1: A->B\n2: A->C\n3: B->C",
                "A to B\nA to C\nB to C",
                "A->B\nA->C\nB->C\nand so on",
                "A>B\nA>C\nB>C",
                "A-->B",
                "A->",
                "->",
                "A->B\nA->C\nB->C\n\n\n..",
                "A\xE2\x86\x92"
                "B"});
}

TEST(HanoiVerifier, NamesWhatIsWrongWithASpec) {
  const auto error = [](std::string_view spec) { return spec_error(TaskKind::hanoi, spec); };
  EXPECT_EQ(error("{}"), "hanoi: spec: no \"pegs\" (need a member of that name)");
  EXPECT_EQ(error(R"({"pegs":2})"), "hanoi: spec: \"pegs\" has 2 (need whole numbers, 3 to 6)");
  EXPECT_EQ(error(R"({"pegs":3,"start":[0,3]})"),
            "hanoi: spec: \"start\" has 3 (need whole numbers, 0 to 2)");
  EXPECT_EQ(error(R"({"pegs":3,"start":[0,0],"goal":[1],"max_moves":5})"),
            "hanoi: spec: \"goal\" has 1 entries (need an array of 2 numbers)");
  EXPECT_EQ(error(R"({"pegs":3,"start":[0,0],"goal":[1,1],"max_moves":1000000000})"),
            "hanoi: spec: \"max_moves\" has 1000000000 (need whole numbers, 1 to 10000)");
}

/// How far each state is from the start, layer by layer. States are strings of the disks' pegs, the smallest
/// first.
std::map<std::string, int> distances(const std::string& start, int pegs) {
  std::map<std::string, int> found = {{start, 0}};
  std::vector<std::string> layer = {start};
  for (int moves = 1; !layer.empty(); ++moves) {
    std::vector<std::string> next;
    for (const std::string& state : layer) {
      for (std::size_t disk = 0; disk < state.size(); ++disk) {
        const std::string smaller = state.substr(0, disk);
        if (smaller.find(state[disk]) != std::string::npos) continue;
        for (char peg = '0'; peg < '0' + pegs; ++peg) {
          std::string moved = state;
          moved[disk] = peg;
          if (smaller.find(peg) == std::string::npos && found.emplace(moved, moves).second)
            next.push_back(moved);
        }
      }
    }
    layer = std::move(next);
  }
  return found;
}

std::string pegs_of(const nlohmann::json& state) {
  std::string text;
  for (const auto& peg : state) text += static_cast<char>('0' + peg.get<int>());
  return text;
}

TEST(HanoiGenerator, KeepsThePromisesOfItsLevels) {
  const std::size_t disks[] = {2, 3, 4, 5, 6};
  const int factor[] = {2, 2, 1, 1, 1};
  const int least[] = {2, 4, 8, 16, 10};
  check_levels(TaskKind::hanoi, [&](const Problem& problem, const nlohmann::json& spec) {
    const auto level = static_cast<std::size_t>(problem.level - 1);
    const int pegs = level == 4 ? 4 : 3;
    ASSERT_EQ(spec["pegs"], pegs);
    const std::string start = pegs_of(spec["start"]);
    ASSERT_EQ(start.size(), disks[level]);
    if (level == 4 && problem.index % 10 != 0) return;  // 4,096 states: slow
    const int shortest = distances(start, pegs).at(pegs_of(spec["goal"]));
    ASSERT_GE(shortest, least[level]);
    ASSERT_EQ(spec["max_moves"], factor[level] * shortest) << problem.prompt;
    ASSERT_EQ(std::count(problem.answer.begin(), problem.answer.end(), '>'), shortest);
  });
}

/// Ordered pairs of states of `disks` disks on three pegs at a distance of at least `least`.
std::uint64_t count_pairs(std::size_t disks, int least) {
  std::uint64_t count = 0;
  for (const auto& [start, zero] : distances(std::string(disks, '0'), 3)) {
    for (const auto& [goal, moves] : distances(start, 3)) count += moves >= least ? 1 : 0;
  }
  return count;
}

TEST(HanoiGenerator, CountsItsProblemsAsBruteForceDoes) {
  const auto task = make_verifier(TaskKind::hanoi);
  EXPECT_EQ(task->distinct_problems(1), count_pairs(2, 2));
  EXPECT_EQ(task->distinct_problems(2), count_pairs(3, 4));
  EXPECT_EQ(task->distinct_problems(3), count_pairs(4, 8));
  EXPECT_EQ(task->distinct_problems(4), count_pairs(5, 16));
  testing::expect_many_problems(TaskKind::hanoi, 5);
  EXPECT_EQ(testing::count_drawn(TaskKind::hanoi, 1, 1000), 48u);
  EXPECT_EQ(testing::count_drawn(TaskKind::hanoi, 2, 8000), 408u);
}

TEST(HanoiGenerator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::hanoi), "d92a6aa5 8ab19896 7eef4896 1782b2bb d884b294");
}

}  // namespace
}  // namespace reckon
