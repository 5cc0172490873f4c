#include <map>
#include <set>

#include "puzzle_checks.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::family;

/// Ann and Ben have Carl and Dora; Carl and Eve have Finn, Dora and Hugo have Gina and Ivy; Finn and Jane
/// have Kim, a girl, and Kim and Leo have Max.
std::string spec_of(const std::string& questions) {
  return R"({"people":[["Ann","f"],["Ben","m"],["Carl","m"],["Dora","f"],["Eve","f"],["Finn","m"],["Hugo","m"],["Gina","f"],
      ["Ivy","f"],["Jane","f"],["Kim","f"],["Leo","m"],["Max","m"]],
      "couples":[["Ann","Ben"],["Carl","Eve"],["Hugo","Dora"],["Finn","Jane"],["Kim","Leo"]],
      "children":[["Carl","Ann","Ben"],["Dora","Ben","Ann"],["Finn","Carl","Eve"],["Gina","Dora","Hugo"],["Ivy","Hugo","Dora"],
      ["Kim","Finn","Jane"],["Max","Leo","Kim"]],"questions":[)" +
         questions + "]}";
}

Grade grade_of(const std::string& questions, std::string_view answer) {
  static const auto task = make_verifier(kKind);
  return task->grade(spec_of(questions), answer);
}

TEST(Family, KnowsTheWords) {
  const std::vector<std::vector<std::string>> relations{{"Ann", "Carl", "mother"},
                                                        {"Ben", "Dora", "father"},
                                                        {"Carl", "Ann", "son"},
                                                        {"Gina", "Hugo", "daughter"},
                                                        {"Ben", "Ann", "husband"},
                                                        {"Eve", "Carl", "wife"},
                                                        {"Carl", "Dora", "brother"},
                                                        {"Gina", "Ivy", "sister"},
                                                        {"Ann", "Finn", "grandmother"},
                                                        {"Ben", "Ivy", "grandfather"},
                                                        {"Finn", "Ann", "grandson"},
                                                        {"Ivy", "Ben", "granddaughter"},
                                                        {"Ben", "Kim", "great-grandfather"},
                                                        {"Kim", "Ann", "great-granddaughter"},
                                                        {"Ann", "Max", "great-great-grandmother"},
                                                        {"Max", "Ben", "great-great-grandson"},
                                                        {"Dora", "Finn", "aunt"},
                                                        {"Carl", "Ivy", "uncle"},
                                                        {"Hugo", "Finn", "uncle"},
                                                        {"Eve", "Gina", "aunt"},
                                                        {"Finn", "Dora", "nephew"},
                                                        {"Gina", "Carl", "niece"},
                                                        {"Finn", "Hugo", "nephew"},
                                                        {"Ivy", "Eve", "niece"},
                                                        {"Finn", "Gina", "cousin"},
                                                        {"Ivy", "Finn", "cousin"},
                                                        {"Dora", "Kim", "great-aunt"},
                                                        {"Kim", "Dora", "great-niece"},
                                                        {"Ann", "Eve", "mother-in-law"},
                                                        {"Ben", "Hugo", "father-in-law"},
                                                        {"Eve", "Ann", "daughter-in-law"},
                                                        {"Hugo", "Ben", "son-in-law"},
                                                        {"Hugo", "Carl", "brother-in-law"},
                                                        {"Eve", "Dora", "sister-in-law"},
                                                        {"Carl", "Hugo", "brother-in-law"},
                                                        {"Dora", "Eve", "sister-in-law"}};
  for (const auto& relation : relations) {
    const std::string question = json{relation[0], relation[1]}.dump();
    for (const auto& other : relations) {
      EXPECT_EQ(grade_of(question, other[2]), other[2] == relation[2] ? Grade::equal : Grade::different)
          << question << " " << other[2];
    }
  }
}

TEST(Family, AcceptsOtherWordsForTheSame) {
  EXPECT_EQ(grade_of(R"(["Ann","Carl"])", "Mum."), Grade::equal);
  EXPECT_EQ(grade_of(R"(["Ann","Finn"])", "grandma"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["Dora","Kim"])", "grand-aunt"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["Ann","Eve"])", "mother in law"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["Ann","Max"])", "Great-great grandmother"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["Ann","Carl"],["Carl","Dora"])", "mother\nbrother"), Grade::equal);
  for (const std::string_view wrong :
       {"mother", "brother, mother", "mother, brother, son", "mother and brother", "mother, brother or son",
        "parent, sibling", "mother brother", "Ann's mother, brother", "his mother, brother",
        "the mother, brother", "mother, ", "mother,, brother", "m, b", "step-mother, brother"}) {
    EXPECT_EQ(grade_of(R"(["Ann","Carl"],["Carl","Dora"])", wrong), Grade::different) << wrong;
  }
}

TEST(Family, RefusesHostileSpecs) {
  testing::check_hostile_specs(
      kKind,
      R"({"people":[["Ann","f"],["Ben","m"],["Cy","m"]],"couples":[["Ann","Ben"]],"children":[["Cy","Ann","Ben"]],"questions":[["Ann","Cy"]]})",
      "mother");
  EXPECT_EQ(spec_error(kKind, spec_of(R"(["Ann","Zoe"])")), "family: spec: \"Zoe\" is none of the people");
  EXPECT_EQ(spec_error(kKind, spec_of(R"(["Leo","Gina"])")),
            "family: spec: there is no word for \"Leo\" to \"Gina\"");
  EXPECT_EQ(spec_error(kKind, spec_of(R"(["Leo","Leo"])")),
            "family: spec: there is no word for \"Leo\" to \"Leo\"");
  EXPECT_EQ(
      spec_error(
          kKind,
          R"({"people":[["Ann","f"],["Ann","m"]],"couples":[],"children":[],"questions":[["Ann","Ann"]]})"),
      "family: spec: \"Ann\" stands twice among the people (need it once)");
  EXPECT_EQ(
      spec_error(
          kKind,
          R"({"people":[["Ann","f"],["Ben","m"]],"couples":[["Ann","Ben"]],"children":[["Ann","Ann","Ben"]],"questions":[["Ann","Ben"]]})"),
      "family: spec: child [\"Ann\",\"Ann\",\"Ben\"] (need a child once, and a couple)");
  EXPECT_EQ(
      spec_error(
          kKind,
          R"({"people":[["Ann","f"],["Ben","m"]],"couples":[["Ann","Ann"]],"children":[],"questions":[["Ann","Ben"]]})"),
      "family: spec: couple [\"Ann\",\"Ann\"] (need two people, each in one couple)");
}

using Pairs = std::set<std::pair<std::string, std::string>>;

/// x to z where x is a to some y and y is b to z, and x is not z.
Pairs followed_by(const Pairs& a, const Pairs& b) {
  Pairs all;
  for (const auto& [x, y] : a) {
    for (const auto& [y2, z] : b) {
      if (y == y2 && x != z) all.emplace(x, z);
    }
  }
  return all;
}
Pairs either(Pairs a, const Pairs& b) {
  a.insert(b.begin(), b.end());
  return a;
}
Pairs turned(const Pairs& a) {
  Pairs all;
  for (const auto& [x, y] : a) all.emplace(y, x);
  return all;
}

/// All words that one person is to another, by the facts of a prompt, as sets of pairs.
class Relations {
 public:
  explicit Relations(const std::string& prompt) {
    std::istringstream lines(prompt);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line.substr(0, line.size() - 1));
      std::vector<std::string> w;
      for (std::string word; words >> word;) w.push_back(word);
      if (w.size() < 6 || w[1] != "is") continue;
      const bool is_female = w[3] == "daughter" || w[3] == "wife";
      (is_female ? women_ : men_).insert(w[0]);
      if (w[3] == "wife" || w[3] == "husband") {
        (is_female ? men_ : women_).insert(w[5]);
        spouse_ = either(spouse_, {{w[0], w[5]}, {w[5], w[0]}});
      } else {
        parent_ = either(parent_, {{w[5], w[0]}, {w[7], w[0]}});
      }
    }
    const Pairs child = turned(parent_);
    const Pairs sibling = followed_by(child, parent_);
    const Pairs grandparent = followed_by(parent_, parent_);
    const Pairs great = followed_by(parent_, grandparent);
    const Pairs uncle =
        either(followed_by(sibling, parent_), followed_by(spouse_, followed_by(sibling, parent_)));
    const Pairs nephew = turned(uncle);
    add("mother", "father", parent_);
    add("daughter", "son", child);
    add("wife", "husband", spouse_);
    add("sister", "brother", sibling);
    add("grandmother", "grandfather", grandparent);
    add("granddaughter", "grandson", turned(grandparent));
    add("great-grandmother", "great-grandfather", great);
    add("great-granddaughter", "great-grandson", turned(great));
    add("great-great-grandmother", "great-great-grandfather", followed_by(parent_, great));
    add("great-great-granddaughter", "great-great-grandson", turned(followed_by(parent_, great)));
    add("aunt", "uncle", uncle);
    add("niece", "nephew", nephew);
    add("great-aunt", "great-uncle", followed_by(sibling, grandparent));
    add("great-niece", "great-nephew", turned(followed_by(sibling, grandparent)));
    add("cousin", "cousin", followed_by(child, followed_by(sibling, parent_)));
    add("mother-in-law", "father-in-law", followed_by(parent_, spouse_));
    add("daughter-in-law", "son-in-law", followed_by(spouse_, child));
    add("sister-in-law", "brother-in-law",
        either(followed_by(spouse_, sibling), followed_by(sibling, spouse_)));
  }

  std::set<std::string> words(const std::string& a, const std::string& b) const {
    const auto found = words_.find({a, b});
    return found == words_.end() ? std::set<std::string>{} : found->second;
  }

 private:
  void add(const std::string& female, const std::string& male, const Pairs& pairs) {
    for (const auto& pair : pairs) {
      EXPECT_NE(women_.contains(pair.first), men_.contains(pair.first)) << pair.first;
      words_[pair].insert(women_.contains(pair.first) ? female : male);
    }
  }

  std::set<std::string> women_;
  std::set<std::string> men_;
  Pairs spouse_;
  Pairs parent_;
  std::map<std::pair<std::string, std::string>, std::set<std::string>> words_;
};

TEST(Family, EveryAnswerIsTheOnlyWordByTheFactsOfItsPrompt) {
  std::map<std::string, int> answers;
  testing::check_generator(kKind, 200, [&](const Problem& problem) {
    const Relations relations(problem.prompt);
    std::string expected;
    for (std::size_t at = problem.prompt.find("What is "); at != std::string::npos;
         at = problem.prompt.find("What is ", at + 1)) {
      const std::size_t to = problem.prompt.find(" to ", at);
      const std::string first = problem.prompt.substr(at + 8, to - at - 8);
      const std::string second = problem.prompt.substr(to + 4, problem.prompt.find('?', to) - to - 4);
      const auto words = relations.words(first, second);
      ASSERT_EQ(words.size(), 1u) << first << " " << second;
      expected += (expected.empty() ? "" : ", ") + *words.begin();
    }
    EXPECT_EQ(problem.answer, expected);
    ++answers[std::to_string(problem.level) + problem.answer];
  });
  for (const auto& [answer, count] : answers) EXPECT_LT(count, 20) << answer;  // of 200
  testing::check_counts(kKind);
}

TEST(Family, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(2, Split::train, 1, 0);
  EXPECT_EQ(problem.prompt,
            "Julia is the wife of Henry.\nHenry is the son of Alice and Jack.\nPaula is the daughter of "
            "Henry and Julia.\nJack is the husband of Alice.\nIvan is the son of Alice and Jack.\n1. What is "
            "Alice to Julia?\n2. What is Ivan to Julia?\nAnswer each with the word for the relation alone, "
            "in this order and separated by commas, in a form like nephew, great-aunt.");
  EXPECT_EQ(problem.trace,
            "<think>1. Alice is the mother of Henry, who is the husband of Julia: Alice is the mother-in-law "
            "of Julia.\n2. Ivan is the brother of Henry, who is the husband of Julia: Ivan is the "
            "brother-in-law of Julia.</think><answer>mother-in-law, brother-in-law</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "db756eff4d9c23aa 99395628c6c0d260");
}

}  // namespace
}  // namespace reckon
