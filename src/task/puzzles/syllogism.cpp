#include <algorithm>
#include <array>

#include "logic_syllogism.h"
#include "reckon/base/error.h"
#include "words_task.h"

namespace reckon {
namespace {

constexpr std::size_t kMaxTerms = 16;
constexpr std::size_t kMaxPremises = 64;
constexpr std::size_t kMaxQuestions = 16;
constexpr std::size_t kNumQuestions = 4;
constexpr std::array<std::size_t, 5> kNumPremises{2, 2, 3, 4, 5};
/// Premises drawn for one pattern of questions and answers, and patterns. Some patterns cannot be had, such
/// as four times "All ..." with Yes from two premises.
constexpr int kMaxPremiseDraws = 400;
constexpr int kMaxPatterns = 1000;

// Plurals that mean nothing: what is known of the world is of no use.
constexpr std::array<std::string_view, 32> kTerms{
    "wugs",    "daxes",   "blickets", "zorps",   "fleps",   "tomas",    "gazzers", "mips",
    "norps",   "plims",   "quibs",    "rastles", "snarks",  "trindles", "ulmots",  "vexels",
    "worbles", "yimbles", "zibbles",  "brons",   "cruds",   "dringles", "fendles", "glorps",
    "hoofles", "jalps",   "krells",   "lorks",   "mundles", "pabbles",  "stimps",  "twocks"};

/// Premises and the questions asked of them together.
struct Batch {
  LogicSyllogism syllogism;
  std::vector<LogicStatement> questions;
};

LogicStatement read_statement(const LogicSpec& spec, const nlohmann::json& entry,
                              const std::vector<std::string>& terms) {
  const auto& parts = spec.list_of(entry, "a statement", 3, 3);
  const std::string& name = spec.text_of(parts[0], "a quantifier", 8);
  const auto* const found = std::find(kLogicQuantifierNames.begin(), kLogicQuantifierNames.end(), name);
  if (found == kLogicQuantifierNames.end())
    spec.fail("a quantifier is " + parts[0].dump() + " (need all, no, some or some_not)");
  std::array<std::size_t, 2> places{};
  for (std::size_t i = 0; i < 2; ++i) {
    const auto term = std::find(terms.begin(), terms.end(), spec.text_of(parts[i + 1], "a term", 40));
    if (term == terms.end())
      spec.fail("a statement names " + parts[i + 1].dump() + " (need one of the terms)");
    places[i] = static_cast<std::size_t>(term - terms.begin());
  }
  if (places[0] == places[1]) spec.fail("a statement is " + entry.dump() + " (need two different terms)");
  return {static_cast<LogicQuantifier>(found - kLogicQuantifierNames.begin()), places[0], places[1]};
}

Batch read_problem(const LogicSpec& spec) {
  Batch problem;
  LogicSyllogism& syllogism = problem.syllogism;
  syllogism.existential_import = spec.flag("existential_import");
  for (const auto& term : spec.list("terms", 2, kMaxTerms)) {
    syllogism.terms.push_back(spec.text_of(term, "a term", 40));
    if (std::count(syllogism.terms.begin(), syllogism.terms.end(), syllogism.terms.back()) > 1)
      spec.fail("term " + term.dump() + " stands twice (need it once)");
  }
  for (const auto& entry : spec.list("premises", 1, kMaxPremises))
    syllogism.premises.push_back(read_statement(spec, entry, syllogism.terms));
  for (const auto& entry : spec.list("questions", 1, kMaxQuestions))
    problem.questions.push_back(read_statement(spec, entry, syllogism.terms));
  if (!syllogism.is_consistent()) spec.fail("the premises contradict each other (need a world for them)");
  return problem;
}

/// Question i has a quantifier and whether it is to follow.
struct Wanted {
  LogicQuantifier quantifier = LogicQuantifier::all;
  bool follows = false;
};

LogicQuantifier random_quantifier(RandomStream& random) {
  return static_cast<LogicQuantifier>(random.below(4));
}

/// A chain of premises through all terms, in any direction and order.
std::vector<LogicStatement> random_premises(std::size_t count, RandomStream& random) {
  std::vector<LogicStatement> premises;
  for (std::size_t i = 0; i < count; ++i) {
    // All is half of them: chains of it carry conclusions from end to end.
    const LogicQuantifier quantifier =
        random.below(3) == 0 ? LogicQuantifier::all : random_quantifier(random);
    const bool forward = random.below(2) == 0;
    premises.push_back({quantifier, forward ? i : i + 1, forward ? i + 1 : i});
  }
  words_shuffle(premises, random);
  return premises;
}

/// Different questions, none of them a premise, with the quantifiers and answers wanted; empty where the
/// premises give none.
std::vector<LogicStatement> find_questions(const LogicSyllogism& syllogism, const std::vector<Wanted>& wanted,
                                           RandomStream& random) {
  std::vector<LogicStatement> questions;
  const std::size_t num_terms = syllogism.terms.size();
  for (const Wanted& want : wanted) {
    std::vector<LogicStatement> fit;
    for (std::size_t i = 0; i < num_terms * num_terms; ++i) {
      const LogicStatement statement{want.quantifier, i / num_terms, i % num_terms};
      const auto is_same = [&](const LogicStatement& other) { return other == statement; };
      if (statement.subject == statement.predicate ||
          std::any_of(syllogism.premises.begin(), syllogism.premises.end(), is_same) ||
          std::any_of(questions.begin(), questions.end(), is_same) ||
          syllogism.follows(statement) != want.follows)
        continue;
      fit.push_back(statement);
    }
    if (fit.empty()) return {};
    questions.push_back(words_pick(fit, random));
  }
  return questions;
}

Batch random_problem(std::size_t num_premises, RandomStream& random) {
  Batch problem;
  LogicSyllogism& syllogism = problem.syllogism;
  syllogism.terms = words_sample(kTerms, num_premises + 1, random);
  for (int pattern = 0; pattern < kMaxPatterns; ++pattern) {
    // Answers are drawn before the premises, so that Yes and No are equally likely for every quantifier.
    syllogism.existential_import = random.below(2) == 0;
    std::vector<Wanted> wanted;
    for (std::size_t i = 0; i < kNumQuestions; ++i)
      wanted.push_back({random_quantifier(random), random.below(2) == 0});
    for (int draw = 0; draw < kMaxPremiseDraws; ++draw) {
      syllogism.premises = random_premises(num_premises, random);
      if (!syllogism.is_consistent()) continue;
      problem.questions = find_questions(syllogism, wanted, random);
      if (!problem.questions.empty()) return problem;
    }
  }
  throw Error(ExitCode::internal, "syllogism: no questions for " + std::to_string(num_premises) +
                                      " premises in " + std::to_string(kMaxPatterns) + " patterns");
}

nlohmann::json statement_json(const LogicSyllogism& syllogism, const LogicStatement& statement) {
  return {kLogicQuantifierNames.at(static_cast<std::size_t>(statement.quantifier)),
          syllogism.terms[statement.subject], syllogism.terms[statement.predicate]};
}

class SyllogismTask final : public WordsTask {
 public:
  explicit SyllogismTask(std::string name) : WordsTask(std::move(name), TaskKind::syllogism) {}

  /// The last answer the other way round.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    const bool is_yes = problem.answer.ends_with("Yes");
    return problem.answer.substr(0, problem.answer.size() - (is_yes ? 3 : 2)) + (is_yes ? "No" : "Yes");
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    const Batch problem = read_problem(spec);
    const auto items = words_items(answer, problem.questions.size());
    if (!items || items->size() != problem.questions.size()) return Grade::different;
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (words_lower((*items)[i]) != (problem.syllogism.follows(problem.questions[i]) ? "yes" : "no"))
        return Grade::different;
    }
    return Grade::equal;
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const Batch problem = random_problem(kNumPremises.at(static_cast<std::size_t>(level - 1)), random);
    const LogicSyllogism& syllogism = problem.syllogism;
    nlohmann::json premises = nlohmann::json::array();
    nlohmann::json questions = nlohmann::json::array();
    Draft draft;
    draft.prompt = "These statements are true:";
    for (const LogicStatement& premise : syllogism.premises) {
      draft.prompt += "\n" + syllogism.text(premise) + ".";
      premises.push_back(statement_json(syllogism, premise));
    }
    draft.prompt +=
        syllogism.existential_import
            ? "\nThere is at least one of each kind named here."
            : "\nThere need not be any of a kind; \"All\" and \"No\" are true of kinds without members.";
    draft.prompt += "\nWhich of these statements follow from them, whatever else may be the case?";
    std::vector<std::string> answers;
    for (std::size_t i = 0; i < problem.questions.size(); ++i) {
      const LogicStatement& question = problem.questions[i];
      const std::string number = std::to_string(i + 1) + ". ";
      draft.prompt += "\n" + number + syllogism.text(question) + ".";
      draft.steps += (i == 0 ? "" : "\n") + number + syllogism.reason(question);
      answers.emplace_back(syllogism.follows(question) ? "Yes" : "No");
      questions.push_back(statement_json(syllogism, question));
    }
    draft.answer = words_joined(answers, ", ");
    // A form that is no solution, whatever the solution is.
    draft.prompt +=
        "\nAnswer each with Yes or No, in this order and separated by commas, in a form like " +
        std::string(draft.answer == "Yes, No, No, Yes" ? "No, Yes, Yes, No." : "Yes, No, No, Yes.");
    draft.spec = nlohmann::json{{"terms", syllogism.terms},
                                {"premises", premises},
                                {"questions", questions},
                                {"existential_import", syllogism.existential_import}}
                     .dump();
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_syllogism_task(std::string name) {
  return std::make_unique<SyllogismTask>(std::move(name));
}

}  // namespace reckon
