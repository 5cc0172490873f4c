#include <map>

#include "puzzle_checks.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::circuit;
// g1 = 1 AND 0 = 0; g2 = NOT 0 = 1; g3 = 0 XOR 1 = 1; g4 = 1 NOR 1 = 0; g5 = 0 NAND 0 = 1; g6 = 1 OR 0 = 1
constexpr std::string_view kSpec = R"({"inputs":"10","gates":[["AND","a","b"],["NOT","g1"],["XOR","g1","g2"],
  ["NOR","a","g3"],["NAND","g4","b"],["OR","a","b"]],"asked":5})";

Grade grade_of(std::string_view answer, std::string_view spec = kSpec) {
  static const auto task = make_verifier(kKind);
  return task->grade(spec, answer);
}

TEST(Circuit, GradesACircuitWorkedByHand) {
  for (const std::string_view right : {"1, 1, 0, 1, 1", "11011", "1,1,0,1,1.", "1 1 0 1 1", "1\n1\n0\n1\n1"})
    EXPECT_EQ(grade_of(right), Grade::equal) << right;
  for (const std::string_view wrong :
       {"0, 1, 1, 0, 1, 1", "1, 1, 0, 1", "1, 1, 0, 1, 0", "1,,1,0,1,1", ",11011", "11011,", "T, T, F, T, T",
        "1; 1; 0; 1; 1", "1.1.0.1.1", "true", "1 or 0", "g2=1, g3=1, g4=0, g5=1, g6=1"}) {
    EXPECT_EQ(grade_of(wrong), Grade::different) << wrong;
  }
}

TEST(Circuit, RefusesHostileSpecs) {
  testing::check_hostile_specs(kKind, std::string(kSpec), "1, 1, 0, 1, 1");
  EXPECT_EQ(spec_error(kKind, R"({"inputs":"12","gates":[["NOT","a"]],"asked":1})"),
            "circuit: spec: \"inputs\" is 12 (need bits 0 and 1)");
  EXPECT_EQ(spec_error(kKind, R"({"inputs":"10","gates":[["NOT","g1"]],"asked":1})"),
            "circuit: spec: g1 reads \"g1\" (need an input or an earlier gate)");
  EXPECT_EQ(spec_error(kKind, R"({"inputs":"10","gates":[["AND","a"]],"asked":1})"),
            "circuit: spec: g1 is [\"AND\",\"a\"] (need NOT of one, or AND, OR, XOR, NAND or NOR of two)");
  EXPECT_EQ(spec_error(kKind, R"({"inputs":"10","gates":[["NOT","a"]],"asked":2})"),
            "circuit: spec: \"asked\" is 2 (need 1 .. 1)");
}

/// The values of the gates asked for, read from the prompt alone.
std::string from_prompt(const std::string& prompt) {
  std::map<std::string, int> known;
  std::vector<std::string> words;
  for (std::size_t at = 0; at < prompt.size();) {
    const std::size_t end = std::min(prompt.find_first_of(" \n,.?:", at), prompt.size());
    if (end > at) words.push_back(prompt.substr(at, end - at));
    at = end + 1;
  }
  std::string values;
  for (std::size_t i = 1; i + 1 < words.size(); ++i) {
    if (words[i] != "=") continue;
    const std::string& next = words[i + 1];
    int& value = known[words[i - 1]];
    if (next == "0" || next == "1") {
      value = next == "1" ? 1 : 0;
    } else if (next == "NOT") {
      value = 1 - known.at(words[i + 2]);
    } else {
      const int sum = known.at(next) + known.at(words[i + 3]);  // a gate of two looks at the number of ones
      const std::string& operation = words[i + 2];
      value = operation == "AND"    ? sum == 2
              : operation == "OR"   ? sum > 0
              : operation == "XOR"  ? sum == 1
              : operation == "NAND" ? sum < 2
                                    : sum == 0;
    }
  }
  const std::size_t question = prompt.find("What are the values of ");
  const std::size_t end = prompt.find('?');
  std::string asked = prompt.substr(question + 23, end - question - 23);
  asked.replace(asked.find(" and "), 5, ", ");
  for (std::size_t at = 0; at < asked.size();) {
    const std::size_t comma = std::min(asked.find(',', at), asked.size());
    values += (values.empty() ? "" : ", ") + std::to_string(known.at(asked.substr(at, comma - at)));
    at = comma + 2;
  }
  return values;
}

TEST(Circuit, EveryProblemAgreesWithTheValuesOfItsPrompt) {
  testing::check_generator(kKind, 200, [](const Problem& problem) {
    EXPECT_EQ(problem.answer, from_prompt(problem.prompt));
    EXPECT_EQ(problem.prompt.find("in a form like " + problem.answer + "."), std::string::npos);
  });
  testing::check_counts(kKind);
  // inputs 2^2; gates 5 * 1 + 2, 5 * 3 + 3, 5 * 6 + 4
  EXPECT_EQ(make_verifier(kKind)->distinct_problems(1), 4u * 7 * 18 * 34);
}

TEST(Circuit, NoFixedAnswerIsGoodMoreOftenThanACoinForEachBit) {  // 8 and 1/16; five standard deviations
  for (const std::string_view answer : {"000", "111", "101", "010"}) {
    EXPECT_NEAR(testing::blind_share(kKind, 1, 4000, [&](const Problem&) { return std::string(answer); }),
                0.125, 0.0262);
  }
  EXPECT_NEAR(testing::blind_share(kKind, 2, 4000, [](const Problem&) { return "0000"; }), 0.0625, 0.0192);
}

TEST(Circuit, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(1, Split::train, 1, 0);
  EXPECT_EQ(
      problem.prompt,
      "A logic circuit has the inputs a = 1 and b = 0. Each gate reads inputs or earlier gates:\n"
      "g1 = a XOR b\ng2 = b XOR g1\ng3 = NOT a\n"
      "NAND is NOT of AND, and NOR is NOT of OR. What are the values of g1, g2 and g3? Answer with their "
      "bits in this order, separated by commas, in a form like 0, 1, 0.");
  EXPECT_EQ(problem.trace,
            "<think>Inputs: a = 1, b = 0.\ng1 = a XOR b = 1 XOR 0 = 1\ng2 = b XOR g1 = 0 XOR 1 = 1\n"
            "g3 = NOT a = NOT 1 = 0</think><answer>1, 1, 0</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "597b48f320888c46 39dc5ad956f08f28");
}

}  // namespace
}  // namespace reckon
