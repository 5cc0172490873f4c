#include <algorithm>
#include <map>

#include "puzzle_checks.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::syllogism;

std::string spec_of(const std::string& premises, const std::string& questions, bool import) {
  return R"({"terms":["a","b","c"],"premises":[)" + premises + "],\"questions\":[" + questions +
         "],\"existential_import\":" + (import ? "true}" : "false}");
}

Grade grade_of(std::string_view answer, const std::string& spec) {
  static const auto task = make_verifier(kKind);
  return task->grade(spec, answer);
}

TEST(Syllogism, KnowsTheMoodsOfTheSchools) {
  struct Mood {
    const char* name;
    const char* premises;
    const char* conclusion;
    bool without_import;
    bool with_import;
  };
  const Mood moods[] = {
      {"Barbara", R"(["all","b","c"],["all","a","b"])", R"(["all","a","c"])", true, true},
      {"Celarent", R"(["no","b","c"],["all","a","b"])", R"(["no","a","c"])", true, true},
      {"Darii", R"(["all","b","c"],["some","a","b"])", R"(["some","a","c"])", true, true},
      {"Ferio", R"(["no","b","c"],["some","a","b"])", R"(["some_not","a","c"])", true, true},
      {"Baroco", R"(["all","c","b"],["some_not","a","b"])", R"(["some_not","a","c"])", true, true},
      {"Bocardo", R"(["some_not","b","c"],["all","b","a"])", R"(["some_not","a","c"])", true, true},
      {"Fresison", R"(["no","c","b"],["some","b","a"])", R"(["some_not","a","c"])", true, true},
      {"Barbari", R"(["all","b","c"],["all","a","b"])", R"(["some","a","c"])", false, true},
      {"Darapti", R"(["all","b","c"],["all","b","a"])", R"(["some","a","c"])", false, true},
      {"Fesapo", R"(["no","c","b"],["all","b","a"])", R"(["some_not","a","c"])", false, true},
      {"undistributed middle", R"(["all","a","b"],["all","c","b"])", R"(["some","a","c"])", false, false},
      {"illicit major", R"(["all","b","c"],["no","a","b"])", R"(["no","a","c"])", false, false},
      {"two particulars", R"(["some","a","b"],["some","b","c"])", R"(["some","a","c"])", false, false},
      {"conversion of all", R"(["all","a","b"],["all","b","c"])", R"(["all","c","a"])", false, false},
      {"conversion of no", R"(["no","a","b"],["all","b","c"])", R"(["no","b","a"])", true, true}};
  for (const Mood& mood : moods) {
    for (const bool import : {false, true}) {
      const bool is_valid = import ? mood.with_import : mood.without_import;
      const std::string spec = spec_of(mood.premises, mood.conclusion, import);
      EXPECT_EQ(grade_of("Yes", spec), is_valid ? Grade::equal : Grade::different) << mood.name << import;
      EXPECT_EQ(grade_of("No", spec), is_valid ? Grade::different : Grade::equal) << mood.name << import;
    }
  }
}

TEST(Syllogism, WantsAllAnswersInOrder) {
  const std::string spec =
      spec_of(R"(["all","b","c"],["all","a","b"])",
              R"(["all","a","c"],["all","c","a"],["no","a","c"],["some_not","a","c"])", false);
  for (const std::string_view right : {"Yes, No, No, No", "yes,no,no,no.", "YES\nNO\nNO\nNO"})
    EXPECT_EQ(grade_of(right, spec), Grade::equal) << right;
  for (const std::string_view wrong :
       {"Yes", "No, No, No, Yes", "Yes, No, No", "Yes, No, No, No, No", "Yes No No No", "Y, N, N, N",
        "Yes, No, No, Yes or No", "Yes, No, No, Maybe", "1, 0, 0, 0", "True, False, False, False",
        "All, No, No, No", "Yes, No, No, No Yes", "1. Yes, 2. No, 3. No, 4. No"}) {
    EXPECT_EQ(grade_of(wrong, spec), Grade::different) << wrong;
  }
}

TEST(Syllogism, RefusesHostileSpecs) {
  testing::check_hostile_specs(
      kKind, spec_of(R"(["all","b","c"],["all","a","b"])", R"(["all","a","c"])", true), "Yes");
  EXPECT_EQ(spec_error(kKind, spec_of(R"(["all","b","d"])", R"(["all","a","c"])", true)),
            "syllogism: spec: a statement names \"d\" (need one of the terms)");
  EXPECT_EQ(spec_error(kKind, spec_of(R"(["every","b","c"])", R"(["all","a","c"])", true)),
            "syllogism: spec: a quantifier is \"every\" (need all, no, some or some_not)");
  EXPECT_EQ(spec_error(kKind, spec_of(R"(["all","b","b"])", R"(["all","a","c"])", true)),
            "syllogism: spec: a statement is [\"all\",\"b\",\"b\"] (need two different terms)");
  const std::string clash = R"(["all","a","b"],["no","a","b"])";
  EXPECT_EQ(spec_error(kKind, spec_of(clash, R"(["all","a","c"])", true)),
            "syllogism: spec: the premises contradict each other (need a world for them)");
  EXPECT_EQ(grade_of("Yes", spec_of(clash, R"(["all","a","c"])", false)), Grade::equal);  // there are no a
}

struct Statement {
  std::string quantifier;
  std::size_t subject;
  std::size_t predicate;
};

/// The sentences "Some wugs are not daxes." of a prompt, in order; premises first.
std::vector<Statement> statements_of(const std::string& prompt, const std::vector<std::string>& terms) {
  const auto place = [&](const std::string& term) {
    return static_cast<std::size_t>(std::find(terms.begin(), terms.end(), term) - terms.begin());
  };
  std::vector<Statement> statements;
  std::istringstream lines(prompt);
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 3 && line[1] == '.') line = line.substr(3);
    std::istringstream words(line.substr(0, line.find('.')));
    std::string quantifier, subject, are, predicate;
    words >> quantifier >> subject >> are >> predicate;
    if (are != "are" || place(subject) == terms.size()) continue;
    if (predicate == "not") {
      words >> predicate;
      quantifier = "Not";
    }
    statements.push_back({quantifier, place(subject), place(predicate)});
  }
  return statements;
}

/// Whether a statement is true where there are members of these regions alone; bit i of a region is term i.
bool is_true(const Statement& s, std::uint64_t inhabited, std::size_t num_terms) {
  bool subject_and = false, subject_not = false;
  for (std::size_t region = 0; region < std::size_t{1} << num_terms; ++region) {
    if ((inhabited >> region & 1) == 0 || (region >> s.subject & 1) == 0) continue;
    ((region >> s.predicate & 1) != 0 ? subject_and : subject_not) = true;
  }
  if (s.quantifier == "All") return !subject_not;
  if (s.quantifier == "No") return !subject_and;
  return s.quantifier == "Some" ? subject_and : subject_not;
}

/// By every world: 2^8 for three terms, 2^16 for four.
std::vector<std::string> by_worlds(const std::vector<Statement>& premises,
                                   const std::vector<Statement>& questions, std::size_t num_terms,
                                   bool import) {
  std::vector<std::string> answers(questions.size(), "Yes");
  const auto visit = [&](std::uint64_t world) {
    for (std::size_t i = 0; import && i < num_terms; ++i) {
      if (!is_true({"Some", i, i}, world, num_terms)) return;
    }
    for (const Statement& premise : premises) {
      if (!is_true(premise, world, num_terms)) return;
    }
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (!is_true(questions[i], world, num_terms)) answers[i] = "No";
    }
  };
  for (std::uint64_t world = 0; world < std::uint64_t{1} << (std::size_t{1} << num_terms); ++world)
    visit(world);
  return answers;
}

/// For more terms than worlds can be tried for: the largest world of the premises and the opposite of the
/// question, which has every member that All and No allow.
std::string by_largest_world(const std::vector<Statement>& premises, Statement question,
                             std::size_t num_terms, bool import) {
  const std::map<std::string, std::string> opposites{
      {"All", "Not"}, {"Not", "All"}, {"No", "Some"}, {"Some", "No"}};
  question.quantifier = opposites.at(question.quantifier);
  std::vector<Statement> all = premises;
  all.push_back(question);
  std::uint64_t world = 0;
  for (std::size_t region = 0; region < std::size_t{1} << num_terms; ++region) {
    bool allowed = true;
    for (const Statement& s : all) {
      if (s.quantifier == "All" || s.quantifier == "No")
        allowed = allowed && is_true(s, std::uint64_t{1} << region, num_terms);
    }
    if (allowed) world |= std::uint64_t{1} << region;
  }
  for (const Statement& s : all) {
    if (!is_true(s, world, num_terms)) return "Yes";
  }
  for (std::size_t i = 0; import && i < num_terms; ++i) {
    if (!is_true({"Some", i, i}, world, num_terms)) return "Yes";
  }
  return "No";
}

TEST(Syllogism, EveryAnswerAgreesWithTryingWorlds) {
  std::map<std::string, int> patterns;
  std::size_t index = 0;
  testing::check_generator(kKind, 200, [&](const Problem& problem) {
    const json spec = json::parse(problem.spec);
    const auto terms = spec["terms"].get<std::vector<std::string>>();
    std::vector<Statement> premises = statements_of(problem.prompt, terms);
    ASSERT_EQ(premises.size(), spec["premises"].size() + 4);
    const std::vector<Statement> questions(premises.end() - 4, premises.end());
    premises.resize(premises.size() - 4);
    const bool import = problem.prompt.find("at least one of each kind") != std::string::npos;
    std::vector<std::string> answers;
    if (terms.size() == 3 || (terms.size() == 4 && ++index % 10 == 0)) {
      answers = by_worlds(premises, questions, terms.size(), import);
    } else {
      for (const Statement& question : questions)
        answers.push_back(by_largest_world(premises, question, terms.size(), import));
    }
    std::string text;
    for (const std::string& answer : answers) text += (text.empty() ? "" : ", ") + answer;
    EXPECT_EQ(problem.answer, text);
    EXPECT_EQ(problem.prompt.find("in a form like " + problem.answer), std::string::npos);
    ++patterns[problem.answer];
  });
  // 1,000 problems, 62.5 of each of the 16 patterns if all of them could always be had
  EXPECT_EQ(patterns.size(), 16u);
  for (const auto& [pattern, count] : patterns) EXPECT_LT(count, 110) << pattern;
  testing::check_counts(kKind);
}

TEST(Syllogism, DrawsTheSameProblemsForEver) {
  const Problem problem = make_verifier(kKind)->problem(1, Split::train, 1, 0);
  EXPECT_EQ(problem.prompt,
            "These statements are true:\nNo fendles are plims.\nSome lorks are not plims.\nThere is at least "
            "one of each kind named here.\nWhich of these statements follow from them, whatever else may be "
            "the case?\n1. No plims are fendles.\n2. Some plims are fendles.\n3. Some plims are lorks.\n4. "
            "Some lorks are not fendles.\nAnswer each with Yes or No, in this order and separated by commas, "
            "in a form like Yes, No, No, Yes.");
  EXPECT_EQ(problem.trace,
            "<think>1. Yes. Suppose that some plims are fendles. Some plims are fendles: take such a one. "
            "But no fendles are plims.\n2. No. There may be nothing but one that is among lorks alone, one "
            "that is among fendles alone, one that is among plims alone.\n3. No. There may be nothing but "
            "one that is among lorks alone, one that is among fendles alone, one that is among plims "
            "alone.\n4. No. There may be nothing but one that is among fendles and lorks alone, one that is "
            "among fendles alone, one that is among plims alone.</think><answer>Yes, No, No, No</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "b67ce7e8dabdd817 f93d29fbb764b848");
}

}  // namespace
}  // namespace reckon
