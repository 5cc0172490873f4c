#include <algorithm>
#include <map>

#include "grid_checks.h"

namespace reckon {
namespace {

using testing::check_levels;
using testing::expect_grade;
using testing::spec_error;

// A path 1-2-3 and the edge 3-4, two colours.
constexpr std::string_view kSpec = R"({"vertices":4,"colours":2,"edges":[[1,2],[2,3],[3,4]]})";

TEST(GraphColouringVerifier, AcceptsEveryProperColouring) {
  expect_grade(TaskKind::graph_colouring, kSpec, Grade::equal,
               {R"({"1": 1, "2": 2, "3": 1, "4": 2})", R"({"1":2,"2":1,"3":2,"4":1})",
                R"({"4": 2, "3": 1, "2": 2, "1": 1})", "{1: 1, 2: 2, 3: 1, 4: 2}",
                R"({"1": "1", "2": "2", "3": "1", "4": "2"}.)",
                "{\n  \"1\": 1,\n  \"2\": 2,\n  \"3\": 1,\n  \"4\": 2\n}\n"});
}

TEST(GraphColouringVerifier, RefusesEverythingElse) {
  expect_grade(TaskKind::graph_colouring, kSpec, Grade::different,
               {R"({"1": 1, "2": 1, "3": 2, "4": 1})",
                R"({"1": 1, "2": 1, "3": 1, "4": 1})",
                R"({"1": 1, "2": 2, "3": 1})",
                R"({"1": 1, "2": 2, "3": 1, "4": 3})",
                R"({"1": 1, "2": 2, "3": 1, "4": 0})",
                R"({"1": 1, "2": 2, "3": 1, "4": -1})",
                R"({"1": 1, "2": 2, "3": 1, "4": 2, "5": 1})",
                R"({"1": 1, "2": 2, "3": 1, "4": 2, "4": 2})",
                R"({"1": 1, "2": 2, "3": 1, "3": 2})",
                R"({"1": 1, "2": 2, "3": 1, "4": null})",
                R"({"1": 1.0, "2": 2, "3": 1, "4": 2})",
                R"({"1": 01, "2": 2, "3": 1, "4": 2})",
                R"({"1": [1,2], "2": 2, "3": 1, "4": 2})",
                R"({"1": 1, "2": 2, "3": 1, "4": 2,})",
                R"({"1": 1 "2": 2 "3": 1 "4": 2})",
                R"({"1": 1, "2": 2, "3": 1, "4": 2)",
                R"([1, 2, 1, 2])",
                "1: 1, 2: 2, 3: 1, 4: 2",
                R"({"1": 1, "2": 2, "3": 1, "4": 2} {"1": 1})",
                R"({"a": 1, "b": 2, "c": 1, "d": 2})",
                R"({"1: 1, "2": 2, "3": 1, "4": 2})",
                "{}",
                "{",
                "red blue red blue",
                R"({"1": 12345678901234567890, "2": 2, "3": 1, "4": 2})",
                R"({'1': 1, '2': 2, '3': 1, '4': 2})"});
}

TEST(GraphColouringVerifier, NamesWhatIsWrongWithASpec) {
  const auto error = [](std::string_view spec) { return spec_error(TaskKind::graph_colouring, spec); };
  EXPECT_EQ(error("{}"), "graph_colouring: spec: no \"vertices\" (need a member of that name)");
  EXPECT_EQ(error(R"({"vertices":100000000,"colours":3,"edges":[]})"),
            "graph_colouring: spec: \"vertices\" has 100000000 (need whole numbers, 1 to 200)");
  EXPECT_EQ(error(R"({"vertices":3,"colours":0,"edges":[]})"),
            "graph_colouring: spec: \"colours\" has 0 (need whole numbers, 1 to 100)");
  EXPECT_EQ(error(R"({"vertices":3,"colours":3,"edges":[[1,4]]})"),
            "graph_colouring: spec: \"edges\" has 4 (need whole numbers, 1 to 3)");
  EXPECT_EQ(error(R"({"vertices":3,"colours":3,"edges":[[1]]})"),
            "graph_colouring: spec: \"edges\" has 1 entries (need an array of 2 numbers in each)");
}

TEST(GraphColouringGenerator, KeepsThePromisesOfItsLevels) {
  const int vertices[] = {5, 7, 10, 14, 20};
  const int colours[] = {4, 3, 3, 3, 3};
  const std::size_t edges[] = {8, 13, 22, 32, 46};
  check_levels(TaskKind::graph_colouring, [&](const Problem& problem, const nlohmann::json& spec) {
    const auto level = static_cast<std::size_t>(problem.level - 1);
    ASSERT_EQ(spec["vertices"], vertices[level]);
    ASSERT_EQ(spec["colours"], colours[level]);
    const auto pairs = spec["edges"].get<std::vector<std::array<int, 2>>>();
    ASSERT_EQ(pairs.size(), edges[level]);
    const auto map = nlohmann::json::parse(problem.answer).get<std::map<std::string, int>>();
    ASSERT_EQ(map.size(), static_cast<std::size_t>(vertices[level]));
    std::string list;
    for (const auto& [a, b] : pairs) {
      ASSERT_LT(a, b);
      ASSERT_NE(map.at(std::to_string(a)), map.at(std::to_string(b)));
      list += (list.empty() ? "" : ", ") + std::to_string(a) + "-" + std::to_string(b);
    }
    ASSERT_TRUE(std::is_sorted(pairs.begin(), pairs.end()));
    ASSERT_THAT(problem.prompt, ::testing::HasSubstr("the edges " + list + ". Give"));
  });
}

TEST(GraphColouringGenerator, HasNoAnswerThatIsOftenRight) {
  const auto task = make_verifier(TaskKind::graph_colouring);
  for (const std::int64_t level : task->levels()) {
    std::map<std::string, int> answers;
    std::vector<std::string> specs;
    for (std::uint64_t index = 0; index < 400; ++index) {
      const Problem problem = task->problem(level, Split::train, 2, index);
      ++answers[problem.answer];
      specs.push_back(problem.spec);
    }
    const auto common = std::max_element(answers.begin(), answers.end(),
                                         [](const auto& a, const auto& b) { return a.second < b.second; });
    int right = 0;
    for (const std::string& spec : specs) right += task->grade(spec, common->first) == Grade::equal ? 1 : 0;
    // At level 1 one is right where its pair of equal colours is among the two of ten left out: a fifth.
    EXPECT_LT(right, level == 1 ? 120 : 40) << "level " << level << " " << common->first;
  }
}

TEST(GraphColouringGenerator, CountsItsProblems) {
  // 45 = pairs of edges left out of 10; each leaves a graph with four colours.
  EXPECT_EQ(make_verifier(TaskKind::graph_colouring)->distinct_problems(1), 45u);
  EXPECT_EQ(testing::count_drawn(TaskKind::graph_colouring, 1, 1500), 45u);
  for (const std::int64_t level : {2, 3, 4, 5})
    testing::expect_many_problems(TaskKind::graph_colouring, level);
}

TEST(GraphColouringGenerator, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(testing::first_problems(TaskKind::graph_colouring),
            "687358b6 8718f672 75ddfd03 6c009e02 df8cefba");
}

}  // namespace
}  // namespace reckon
