#include <algorithm>
#include <map>
#include <set>

#include "puzzle_checks.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::entailment;
constexpr std::string_view kChain =
    R"({"atoms":"PQR","premises":["P -> Q","Q -> R"],"min_atoms":2,"max_atoms":3})";

Grade grade_of(std::string_view answer, std::string_view spec = kChain) {
  static const auto task = make_verifier(kKind);
  return task->grade(spec, answer);
}

TEST(Entailment, AcceptsEveryFormulaThatFollows) {
  for (const std::string_view right :
       {"P -> R", "~P | R", "P->R.", "~(P & ~R)", "R | ~P", "~R -> ~P", "(P) -> (R)", "P -> Q & R",
        "~~P -> R", "!P|R", "P \xE2\x86\x92 R" /* right arrow */, "\xC2\xACP \xE2\x88\xA8 R" /* not, or */}) {
    EXPECT_EQ(grade_of(right), Grade::equal) << right;
  }
}

TEST(Entailment, RefusesEchoesAndWhatDoesNotFollow) {
  for (const std::string_view wrong :
       {"P -> Q", "Q -> R",
        "~P | Q",  // premises
        "P -> (Q | R)",
        "P & R -> Q",  // weaker than one premise
        "P -> P", "Q | ~Q",
        "P | ~P | R",  // always true
        "R -> P", "P & R", "P <-> R", "R",
        "~P",  // do not follow
        "(P -> Q) & (Q -> R)",
        // all that the premises say
        "(P -> R) & (P | ~P)",  // five letters
        "P & ~P", "P -> Q -> R", "P <-> Q <-> R", "p -> r", "P => R", "P implies R", "PR", "P R", "P -> ",
        "-> R", "(P -> R", "P -> R)", "()", "P -> S", "P -> R, P -> Q", "P -> R; R", "P -> R = P -> R",
        "P - > R", "not P or R", "P -> R or P -> Q", "\xCE\xA1 -> R" /* Greek Rho */}) {
    EXPECT_EQ(grade_of(wrong), Grade::different) << wrong;
  }
  EXPECT_EQ(grade_of(std::string(15'000, '(') + "P -> R" + std::string(15'000, ')')), Grade::different);
  EXPECT_EQ(grade_of(std::string(2000, '~') + "P"), Grade::different);
}

TEST(Entailment, RefusesAllThatThePremisesSay) {  // A and A -> B say A & B; B follows from both alone
  const std::string_view spec = R"({"atoms":"AB","premises":["A","A -> B"],"min_atoms":1,"max_atoms":4})";
  EXPECT_EQ(grade_of("B", spec), Grade::equal);
  EXPECT_EQ(grade_of("A <-> B", spec), Grade::equal);
  for (const std::string_view wrong : {"A & B", "B & A", "A & (A -> B)", "A | B", "A", "A -> B", "~B"})
    EXPECT_EQ(grade_of(wrong, spec), Grade::different) << wrong;
  // The letters that count are those that matter: with min_atoms 2 a B in disguise is refused.
  const std::string_view two = R"({"atoms":"AB","premises":["A","A -> B"],"min_atoms":2,"max_atoms":6})";
  EXPECT_EQ(grade_of("B", two), Grade::different);
  EXPECT_EQ(grade_of("B & (A | ~A)", two), Grade::different);
  EXPECT_EQ(grade_of("A <-> B", two), Grade::equal);
}

TEST(Entailment, RefusesHostileSpecs) {
  testing::check_hostile_specs(kKind, std::string(kChain), "P -> R");
  EXPECT_EQ(spec_error(kKind, R"({"atoms":"PP","premises":["P"],"min_atoms":1,"max_atoms":2})"),
            "entailment: spec: \"atoms\" is \"PP\" (need different capital letters)");
  EXPECT_EQ(spec_error(kKind, R"({"atoms":"PQ","premises":["P -> R"],"min_atoms":1,"max_atoms":2})"),
            "entailment: spec: premise \"P -> R\" cannot be read (need a formula of PQ, ~ & | -> <-> and "
            "parentheses)");
  EXPECT_EQ(spec_error(kKind, R"({"atoms":"PQ","premises":["P"],"min_atoms":3,"max_atoms":4})"),
            "entailment: spec: \"min_atoms\" is 3 (need 1 .. 2)");
  EXPECT_THAT(spec_error(kKind, "{\"atoms\":\"PQ\",\"premises\":[\"" + std::string(1000, '(') +
                                    "\"],\"min_atoms\":1,\"max_atoms\":4}"),
              HasSubstr("cannot be read"));
  EXPECT_EQ(grade_of("A", R"({"atoms":"ABCDEF","premises":["A | B","A | ~B"],"min_atoms":1,"max_atoms":4})"),
            Grade::different);  // six letters fill a word; A is all that the premises say
}

/// The value of a formula, found by splitting it at its outermost operation.
bool value_of(const std::string& text, const std::map<char, bool>& world) {
  for (const std::string operation : {" <-> ", " -> ", " | ", " & "}) {
    int depth = 0;
    for (std::size_t at = 0; at + operation.size() < text.size(); ++at) {
      depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
      if (depth != 0 || text.compare(at, operation.size(), operation) != 0) continue;
      const bool left = value_of(text.substr(0, at), world);
      const bool right = value_of(text.substr(at + operation.size()), world);
      if (operation == " <-> ") return left == right;
      if (operation == " -> ") return !left || right;
      return operation == " | " ? left || right : left && right;
    }
  }
  if (text[0] == '~') return !value_of(text.substr(1), world);
  return text[0] == '(' ? value_of(text.substr(1, text.size() - 2), world) : world.at(text[0]);
}

TEST(Entailment, EverySolutionFollowsInAllWorlds) {
  testing::check_generator(
      kKind, 200,
      [](const Problem& problem) {
        std::vector<std::string> premises;
        std::istringstream lines(problem.prompt);
        for (std::string line; std::getline(lines, line);) {
          if (line.size() > 3 && line.substr(1, 2) == ". ") premises.push_back(line.substr(3));
        }
        const std::string atoms = json::parse(problem.spec)["atoms"];
        EXPECT_EQ(json::parse(problem.spec)["premises"], json(premises));
        std::vector<bool> is_shown(premises.size(), false);  // that it does not give the solution alone
        std::size_t num_worlds = 0;
        bool says_less = false;
        for (unsigned bits = 0; bits < 1u << atoms.size(); ++bits) {
          std::map<char, bool> world;
          for (std::size_t i = 0; i < atoms.size(); ++i) world[atoms[i]] = (bits >> i & 1) != 0;
          const bool solution = value_of(problem.answer, world);
          bool all = true;
          for (std::size_t i = 0; i < premises.size(); ++i) {
            const bool premise = value_of(premises[i], world);
            all = all && premise;
            if (premise && !solution) is_shown[i] = true;
          }
          EXPECT_TRUE(solution || !all);
          num_worlds += all ? 1 : 0;
          says_less = says_less || (solution && !all);
        }
        EXPECT_GT(num_worlds, 0u);
        EXPECT_TRUE(says_less);
        EXPECT_EQ(std::count(is_shown.begin(), is_shown.end(), true),
                  static_cast<std::ptrdiff_t>(premises.size()));
      },
      testing::Parentheses::harmless);
  testing::check_counts(kKind);
}

TEST(Entailment, CountsItsSmallestLevelExactly) {
  const auto task = make_verifier(kKind);
  std::set<std::string> letters;
  std::set<std::string> forms;  // with a and b for the letters
  for (std::uint64_t index = 0; index < 5000; ++index) {
    const json spec = json::parse(task->problem(1, Split::train, 2, index).spec);
    const std::string atoms = spec["atoms"];
    std::string form = spec["premises"].dump();
    std::replace(form.begin(), form.end(), atoms[0], 'a');
    std::replace(form.begin(), form.end(), atoms[1], 'b');
    letters.insert(atoms);
    forms.insert(form);
  }
  EXPECT_EQ(letters.size(), 231u);
  EXPECT_EQ(forms.size(), 72u);
  EXPECT_EQ(task->distinct_problems(1), 231u * 72);
}

TEST(Entailment, NoFormOfAnswerIsRightOften) {
  for (const std::int64_t level : {1, 2, 3}) {
    for (const std::string form :
         {"a", "~a", "a <-> b", "a | b", "a -> b", "~a | ~b", "a & b", "~a & b", "a <-> ~b"}) {
      const double share = testing::blind_share(kKind, level, 300, [&](const Problem& problem) {
        const std::string atoms = json::parse(problem.spec)["atoms"];
        std::string text = form;
        std::replace(text.begin(), text.end(), 'a', atoms[0]);
        std::replace(text.begin(), text.end(), 'b', atoms[1]);
        return text;
      });
      // Level 1 has six formulas that can be a solution, and one that is: 1/6 and five standard deviations.
      EXPECT_LT(share, level == 1 ? 0.275 : 0.2) << level << " " << form;
    }
  }
}

TEST(Entailment, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(1, Split::train, 1, 0);
  EXPECT_EQ(problem.prompt,
            "Premises (~ is not, & and, | or, -> implies, <-> if and only if):\n1. L\n2. G <-> ~L\nFind a "
            "formula that follows from the premises together, but from none of them alone, and that says "
            "less than all of them together. At most 2 letters may stand in it, repetitions counted. Answer "
            "with the formula alone, with parentheses where operations are mixed, in a form like G & ~L.");
  EXPECT_EQ(problem.trace,
            "<think>All premises are true for G=F L=T. There ~G is true each time.\nFor G=T L=T premise 1 is "
            "true and ~G is not.\nFor G=T L=F premise 2 is true and ~G is not.</think><answer>~G</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "811f7d7795e0b535 3204b8cf772aded8");
}

}  // namespace
}  // namespace reckon
