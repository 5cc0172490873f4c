#include <cstdlib>
#include <map>

#include "puzzle_checks.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::sat;
// (x1 or x2)(not x1 or x3)(not x2 or not x3): x1 gives x3, that gives not x2: TFT. Not x1 gives x2, not x3:
// FTF.
constexpr std::string_view kSpec = R"({"variables":3,"clauses":[[1,2],[-1,3],[-2,-3]],"satisfiable":true})";

Grade grade_of(std::string_view answer, std::string_view spec = kSpec) {
  static const auto task = make_verifier(kKind);
  return task->grade(spec, answer);
}

TEST(Sat, AcceptsEverySolution) {
  for (const std::string_view right : {"x1=T, x2=F, x3=T", "x1=F, x2=T, x3=F", "x3=T, x1=T, x2=F",
                                       "x1=true\nx2=False\nx3=TRUE.", "X1 = T; X2 = F; X3 = T"})
    EXPECT_EQ(grade_of(right), Grade::equal) << right;
  int num_right = 0;
  for (int world = 0; world < 8; ++world) {
    std::string answer;
    for (int i = 0; i < 3; ++i)
      answer += (i == 0 ? "x" : ", x") + std::to_string(i + 1) + ((world >> i & 1) != 0 ? "=T" : "=F");
    num_right += grade_of(answer) == Grade::equal ? 1 : 0;
  }
  EXPECT_EQ(num_right, 2);
}

TEST(Sat, RefusesWhatIsNoAssignment) {
  for (const std::string_view wrong :
       {"UNSAT", "SAT", "x1=T, x2=F", "x1=T, x2=F, x3=T, x3=T", "x1=T, x2=F, x2=F", "x1=T, x1=F, x2=F, x3=T",
        "x1=T, x2=F, x4=T", "x1=T, x2=F, x0=T", "TFT", "T, F, T", "x1, NOT x2, x3", "x1=1, x2=0, x3=1",
        "x1=T x2=F x3=T", "x1=T, x2=F, x3=T or F", "x1=T, x2=F, x3=T, UNSAT", "UNSAT or x1=T, x2=F, x3=T",
        "x1=T and x2=F and x3=T", "x1=T, x2=F, x=T", "x-1=T, x2=F, x3=T"}) {
    EXPECT_EQ(grade_of(wrong), Grade::different) << wrong;
  }
}

TEST(Sat, AcceptsUnsatOnlyWhereTheSpecSaysSo) {
  const std::string_view spec = R"({"variables":1,"clauses":[[1],[-1]],"satisfiable":false})";
  for (const std::string_view right : {"UNSAT", "unsat.", "Unsatisfiable"})
    EXPECT_EQ(grade_of(right, spec), Grade::equal);
  for (const std::string_view wrong : {"x1=T", "x1=F", "not UNSAT", "UNSAT UNSAT", "SAT", "UN SAT"})
    EXPECT_EQ(grade_of(wrong, spec), Grade::different) << wrong;
}

TEST(Sat, RefusesHostileSpecs) {
  testing::check_hostile_specs(kKind, std::string(kSpec), "x1=T, x2=F, x3=T");
  EXPECT_EQ(spec_error(kKind, R"({"variables":2,"clauses":[[1,3]],"satisfiable":true})"),
            "sat: spec: a literal is 3 (need -2 .. 2)");
  EXPECT_EQ(spec_error(kKind, R"({"variables":2,"clauses":[[1,0]],"satisfiable":true})"),
            "sat: spec: a literal is 0 (need the number of a variable, negative for NOT)");
  EXPECT_EQ(spec_error(kKind, R"({"variables":2,"clauses":[],"satisfiable":true})"),
            "sat: spec: \"clauses\" has 0 entries (need 1 .. 1000)");
}

/// Tries all assignments.
bool has_solution(const json& spec) {
  const int variables = spec["variables"];
  std::vector<std::pair<unsigned, unsigned>> clauses;  // variables that make it true when T, when F
  for (const json& clause : spec["clauses"]) {
    clauses.emplace_back(0, 0);
    for (const int literal : clause)
      (literal > 0 ? clauses.back().first : clauses.back().second) |= 1u << (std::abs(literal) - 1);
  }
  for (unsigned world = 0; world < 1u << variables; ++world) {
    bool holds = true;
    for (std::size_t i = 0; i < clauses.size() && holds; ++i)
      holds = (clauses[i].first & world) != 0 || (clauses[i].second & ~world) != 0;
    if (holds) return true;
  }
  return false;
}

TEST(Sat, EveryVerdictAgreesWithTryingAllAssignments) {
  std::map<std::int64_t, int> unsat;
  testing::check_generator(kKind, 200, [&](const Problem& problem) {
    const json spec = json::parse(problem.spec);
    EXPECT_EQ(has_solution(spec), spec["satisfiable"].get<bool>());
    EXPECT_EQ(problem.answer == "UNSAT", !spec["satisfiable"].get<bool>());
    EXPECT_LT(problem.trace.size(), 20'000u);
    unsat[problem.level] += problem.answer == "UNSAT" ? 1 : 0;
  });
  // 80 of 200 expected; five standard deviations of 6.9
  for (const auto& [level, count] : unsat) EXPECT_NEAR(count, 80, 35) << level;
  testing::check_counts(kKind);
}

TEST(Sat, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(1, Split::train, 1, 0);
  EXPECT_EQ(problem.prompt,
            "Each of the variables x1 to x3 is T (true) or F (false). Make all of these clauses true, each "
            "by at least one of its parts:\n1. NOT x2 OR NOT x3\n2. NOT x1 OR NOT x2 OR NOT x3\n3. NOT x1 OR "
            "NOT x2 OR x3\n4. NOT x1 OR x2\n5. NOT x1 OR x3\n6. x1 OR NOT x3\n7. x1 OR NOT x2 OR NOT x3\n8. "
            "x1 OR x2 OR NOT x3\n9. x2 OR x3\nAnswer with the value of every variable, in the form x1=T, "
            "x2=F, ..., or with UNSAT if no values make all clauses true.");
  EXPECT_EQ(problem.trace,
            "<think>Start.\nSuppose x3=F; clause 5: x1=F; clause 9: x2=T.\nAll clauses "
            "hold.</think><answer>x1=F, x2=T, x3=F</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "3285fcaa6b8b042b c21e469d15b51230");
}

}  // namespace
}  // namespace reckon
