#include <algorithm>
#include <map>
#include <numeric>

#include "puzzle_checks.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::zebra;
// Tea directly left of milk, so tea 1 or 2; Ann in house 3; the cat next to Ann is in 2; Bob with the cat; so
// Cy is in 1. Milk with Ann: tea in 2, beer in 1. The dog next to beer would be in 2, so it is not said; dog
// in 1.
constexpr std::string_view kSpec =
    R"({"houses":3,"values":[["Ann","Bob","Cy"],["tea","milk","beer"],["cat","dog","owl"]],
  "clues":[["left","tea","milk"],["at","Ann",3],["next","cat","Ann"],["same","Bob","cat"],["same","milk","Ann"],["at","dog",1]]})";

Grade grade_of(std::string_view answer, std::string_view spec = kSpec) {
  static const auto task = make_verifier(kKind);
  return task->grade(spec, answer);
}

TEST(Zebra, GradesAGridWorkedByHand) {
  for (const std::string_view right :
       {"1: Cy, beer, dog\n2: Bob, tea, cat\n3: Ann, milk, owl",
        "House 3: Ann, milk, owl\nHouse 1: Cy, beer, dog\nhouse 2: Bob, tea, cat",
        "1: dog, beer, Cy; 2: cat, tea, bob; 3: OWL, milk, ann.",
        "1 : Cy , beer , dog\n\n2: Bob, tea, cat\n3: Ann, milk, owl"}) {
    EXPECT_EQ(grade_of(right), Grade::equal) << right;
  }
  for (const std::string_view wrong :
       {"1: Cy, beer, dog\n2: Bob, tea, cat", "1: Cy, beer, owl\n2: Bob, tea, cat\n3: Ann, milk, dog",
        "1: Bob, beer, dog\n2: Cy, tea, cat\n3: Ann, milk, owl",
        "1: Cy, beer, dog\n2: Bob, tea, cat\n3: Ann, milk",
        "1: Cy, beer, dog\n2: Bob, tea, cat\n3: Ann, milk, owl\n3: Ann, milk, owl",
        "1: Cy, beer, dog\n1: Bob, tea, cat\n3: Ann, milk, owl",
        "1: Cy, beer, dog\n2: Bob, tea, cat\n3: Ann, milk, owl, owl",
        "1: Cy, beer, dog\n2: Bob, tea, cat\n3: Ann, milk, fox",
        "1: Cy, beer, tea\n2: Bob, dog, cat\n3: Ann, milk, owl",
        "1: Cy, beer, dog\n2: Bob, tea, cat\n4: Ann, milk, owl",
        "Cy, beer, dog\nBob, tea, cat\nAnn, milk, owl", "1: Cy, beer, dog 2: Bob, tea, cat 3: Ann, milk, owl",
        "1: Cy, beer or tea, dog\n2: Bob, tea, cat\n3: Ann, milk, owl",
        "0: Cy, beer, dog\n2: Bob, tea, cat\n3: Ann, milk, owl",
        "1: Cy, beer, dog.\n2: Bob, tea, cat\n3: Ann, milk, owl", "1:\n2:\n3:", "Ann"}) {
    EXPECT_EQ(grade_of(wrong), Grade::different) << wrong;
  }
}

TEST(Zebra, GradesByTheClues) {  // with one clue both grids of the other attribute are right
  const std::string_view spec =
      R"({"houses":2,"values":[["Ann","Bob"],["tea","milk"]],"clues":[["at","Ann",1]]})";
  EXPECT_EQ(grade_of("1: Ann, tea\n2: Bob, milk", spec), Grade::equal);
  EXPECT_EQ(grade_of("1: Ann, milk\n2: Bob, tea", spec), Grade::equal);
  EXPECT_EQ(grade_of("1: Bob, milk\n2: Ann, tea", spec), Grade::different);
}

TEST(Zebra, RefusesHostileSpecs) {
  testing::check_hostile_specs(kKind, std::string(kSpec),
                               "1: Cy, beer, dog\n2: Bob, tea, cat\n3: Ann, milk, owl");
  EXPECT_EQ(spec_error(kKind, R"({"houses":2,"values":[["Ann","Ann"]],"clues":[]})"),
            "zebra: spec: value \"Ann\" stands twice (need it once)");
  EXPECT_EQ(spec_error(kKind, R"({"houses":2,"values":[["Ann","Bob"]],"clues":[["at","Ann",3]]})"),
            "zebra: spec: a clue's house is 3 (need 1 .. 2)");
  EXPECT_EQ(spec_error(kKind, R"({"houses":2,"values":[["Ann","Bob"]],"clues":[["same","Ann","Eve"]]})"),
            "zebra: spec: a clue names \"Eve\" (need one of the values)");
  EXPECT_EQ(spec_error(kKind, R"({"houses":2,"values":[["Ann","Bob"]],"clues":[["above","Ann","Bob"]]})"),
            "zebra: spec: a clue is [\"above\",\"Ann\",\"Bob\"] (need same, next, left or at)");
}

struct Clue {
  std::string relation;
  int first;
  int second;  ///< or the house
};

/// The clues of a prompt; values are numbered as they are listed.
std::vector<Clue> clues_of(const std::string& prompt, const std::vector<std::string>& values) {
  std::vector<Clue> clues;
  std::istringstream lines(prompt.substr(prompt.find("Clues:")));
  for (std::string line; std::getline(lines, line);) {
    if (line[0] < '1' || line[0] > '9' || line.find(". ") == std::string::npos) continue;
    std::istringstream words(line.substr(line.find(". ") + 2, line.size() - line.find(". ") - 3));
    std::vector<int> named;
    for (std::string word; words >> word;) {
      const auto found = std::find(values.begin(), values.end(), word);
      if (found != values.end()) named.push_back(static_cast<int>(found - values.begin()));
    }
    if (line.find("lives in house ") != std::string::npos) {
      clues.push_back({"at", named.at(0), line[line.size() - 2] - '1'});
      continue;
    }
    clues.push_back({line.find("directly to the left") != std::string::npos ? "left"
                     : line.find("next to") != std::string::npos            ? "next"
                                                                            : "same",
                     named.at(0), named.at(1)});
  }
  return clues;
}

/// Counts solutions by permutations, one attribute after the other, skipping those that a clue forbids
/// already.
struct BruteForce {
  int num_houses;
  int num_attributes;
  std::vector<Clue> clues;
  std::vector<int> houses;
  int found = 0;

  [[nodiscard]] bool fits(int known) const {
    return std::all_of(clues.begin(), clues.end(), [&](const Clue& c) {
      if (c.first >= known) return true;
      if (c.relation == "at") return houses[static_cast<std::size_t>(c.first)] == c.second;
      if (c.second >= known) return true;
      const int step = houses[static_cast<std::size_t>(c.second)] - houses[static_cast<std::size_t>(c.first)];
      return c.relation == "same" ? step == 0 : c.relation == "left" ? step == 1 : std::abs(step) == 1;
    });
  }
  void run(int attribute) {
    if (attribute == num_attributes) {
      ++found;
      return;
    }
    const auto begin = houses.begin() + attribute * num_houses;
    std::iota(begin, begin + num_houses, 0);
    do {
      if (fits((attribute + 1) * num_houses)) run(attribute + 1);
      std::iota(begin + num_houses, houses.end(), 0);
    } while (std::next_permutation(begin, begin + num_houses));
  }
};

int count_by_brute_force(const std::vector<Clue>& clues, int num_houses, int num_attributes) {
  BruteForce search{num_houses, num_attributes, clues,
                    std::vector<int>(static_cast<std::size_t>(num_houses * num_attributes), 0)};
  search.run(0);
  return search.found;
}

TEST(Zebra, EveryPuzzleHasOneSolutionAndNoClueToSpare) {
  std::map<std::int64_t, int> drawn;
  testing::check_generator(kKind, 200, [&](const Problem& problem) {
    const json spec = json::parse(problem.spec);
    std::vector<std::string> values;
    for (const json& attribute : spec["values"]) {
      for (const json& value : attribute) values.push_back(value);
      EXPECT_THAT(problem.prompt, HasSubstr(": " + attribute[0].get<std::string>() + ", "));
    }
    const std::vector<Clue> clues = clues_of(problem.prompt, values);
    ASSERT_EQ(clues.size(), spec["clues"].size());
    if (++drawn[problem.level] > (problem.level == 5 ? 10 : 100)) return;
    const int houses = spec["houses"];
    const int attributes = static_cast<int>(spec["values"].size());
    ASSERT_EQ(count_by_brute_force(clues, houses, attributes), 1);
    if (problem.level == 5) return;
    for (std::size_t i = 0; i < clues.size(); ++i) {
      std::vector<Clue> fewer = clues;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      ASSERT_GT(count_by_brute_force(fewer, houses, attributes), 1) << i + 1;
    }
  });
  testing::check_counts(kKind);
}

TEST(Zebra, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(2, Split::train, 1, 0);
  EXPECT_EQ(problem.prompt,
            "There are 3 houses in a row, numbered from left to right, with one person in each. No two of "
            "them share a name, a job, a pet:\nname: Chloe, Edith, Greta\njob: doctor, painter, pilot\npet: "
            "hamster, parrot, turtle\nClues:\n1. Greta lives next to the person who works as a painter.\n2. "
            "Chloe lives directly to the left of the owner of the parrot.\n3. The person who works as a "
            "pilot lives directly to the left of Greta.\n4. Edith is the owner of the turtle.\nWho lives "
            "where? Answer with one line for each house, in the form\n1: name, job, pet");
  EXPECT_EQ(
      problem.trace,
      "<think>Only one arrangement keeps all clues:\n1: Chloe, pilot, hamster\n2: Greta, doctor, parrot\n3: "
      "Edith, painter, turtle\nCheck:\n1. Greta lives next to the person who works as a painter: house 2 and "
      "house 3.\n2. Chloe lives directly to the left of the owner of the parrot: house 1 and house 2.\n3. "
      "the person who works as a pilot lives directly to the left of Greta: house 1 and house 2.\n4. Edith "
      "is the owner of the turtle: house 3 and house 3.</think><answer>1: Chloe, pilot, hamster\n2: Greta, "
      "doctor, parrot\n3: Edith, painter, turtle</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "8ecb58fe850219af e8bbff87b1e2c8d8");
}

}  // namespace
}  // namespace reckon
