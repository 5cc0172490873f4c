#include <algorithm>
#include <array>
#include <bit>

#include "logic_formula.h"
#include "reckon/base/error.h"
#include "words_task.h"

namespace reckon {
namespace {

constexpr std::size_t kMaxPremises = 16;
constexpr std::int64_t kMaxLetters = 64;
constexpr std::size_t kMaxFormulaBytes = 1024;
/// Draws of premises for one solution.
constexpr int kMaxDraws = 20'000;

struct Level {
  std::size_t num_atoms;
  std::size_t num_premises;
  int depth;  ///< of the premises
  std::int64_t min_atoms;
  std::int64_t max_atoms;
};
constexpr std::array<Level, 5> kLevels{
    {{2, 2, 1, 1, 2}, {3, 2, 1, 2, 2}, {3, 3, 2, 2, 3}, {4, 4, 2, 2, 3}, {5, 5, 3, 2, 3}}};

/// Premises as tables, and what a formula must be to follow from them and be no echo of them.
struct Rules {
  std::string atoms;
  std::vector<std::string> texts;
  std::vector<std::uint64_t> premises;
  std::int64_t min_atoms = 1;
  std::int64_t max_atoms = 1;

  [[nodiscard]] std::uint64_t all_premises() const {
    std::uint64_t rows = logic_all_rows(atoms.size());
    for (const std::uint64_t premise : premises) rows &= premise;
    return rows;
  }
  /// Follows from the premises together, from none of them alone (so it is no tautology, no premise and no
  /// weakening of one), and is not all that they say.
  [[nodiscard]] bool admits(const LogicFormula& formula) const {
    const std::uint64_t together = all_premises();
    const auto gives_it = [&](std::uint64_t premise) { return (premise & ~formula.table) == 0; };
    return gives_it(together) && formula.table != together &&
           std::none_of(premises.begin(), premises.end(), gives_it) &&
           static_cast<std::int64_t>(logic_num_essential(formula.table, atoms.size())) >= min_atoms &&
           static_cast<std::int64_t>(formula.num_letters) <= max_atoms;
  }
};

Rules read_rules(const LogicSpec& spec) {
  Rules rules;
  rules.atoms = spec.text("atoms", kMaxLogicAtoms);
  for (const char c : rules.atoms) {
    if (c < 'A' || c > 'Z' || std::count(rules.atoms.begin(), rules.atoms.end(), c) > 1)
      spec.fail("\"atoms\" is " + in_quotes(rules.atoms) + " (need different capital letters)");
  }
  rules.min_atoms = spec.integer("min_atoms", 1, static_cast<std::int64_t>(rules.atoms.size()));
  rules.max_atoms = spec.integer("max_atoms", rules.min_atoms, kMaxLetters);
  for (const auto& entry : spec.list("premises", 1, kMaxPremises)) {
    rules.texts.push_back(spec.text_of(entry, "a premise", kMaxFormulaBytes));
    const auto formula = read_logic_formula(rules.texts.back(), rules.atoms);
    if (!formula) {
      spec.fail("premise " + in_quotes(rules.texts.back()) + " cannot be read (need a formula of " +
                rules.atoms + ", ~ & | -> <-> and parentheses)");
    }
    rules.premises.push_back(formula->table);
  }
  return rules;
}

std::string literal(char atom, bool negative) {
  return (negative ? "~" : "") + std::string(1, atom);
}

/// A binary operation of `depth` levels at most. Two letters side by side are different ones: P -> P and P &
/// P are no premises that anybody would write.
std::string random_formula(const std::string& atoms, int depth, RandomStream& random) {
  constexpr std::array<std::string_view, 5> kOperations{" & ", " | ", " -> ", " -> ", " <-> "};
  const std::string operation(words_pick(kOperations, random));
  const auto num_atoms = static_cast<std::uint32_t>(atoms.size());
  const std::uint32_t first = random.below(num_atoms);
  const std::array<std::uint32_t, 2> letters{first, (first + 1 + random.below(num_atoms - 1)) % num_atoms};
  std::array<std::string, 2> sides;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::uint32_t inner = random.below(static_cast<std::uint32_t>(depth));
    if (inner == 0) {
      sides[i] = literal(atoms[letters[i]], random.below(3) == 0);
    } else {
      sides[i] =
          (random.below(4) == 0 ? "~(" : "(") + random_formula(atoms, static_cast<int>(inner), random) + ")";
    }
  }
  return sides[0] + operation + sides[1];
}

struct Candidate {
  std::string text;
  LogicFormula formula;
};

/// What solutions are chosen from: literals where they are allowed, and every way in which a value can depend
/// on two atoms.
std::vector<Candidate> short_formulas(const std::string& atoms, std::int64_t min_atoms) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < atoms.size(); ++i) {
    for (const bool negative : {false, true}) {
      if (min_atoms == 1) texts.push_back(literal(atoms[i], negative));
    }
    for (std::size_t j = i + 1; j < atoms.size(); ++j) {
      for (const bool first : {false, true}) {
        texts.push_back(literal(atoms[i], false) + " <-> " + literal(atoms[j], first));
        for (const bool second : {false, true}) {
          texts.push_back(literal(atoms[i], first) + " & " + literal(atoms[j], second));
          texts.push_back(literal(atoms[i], false) + (first ? " -> " : " | ") + literal(atoms[j], second));
        }
      }
    }
  }
  std::vector<Candidate> candidates;
  for (const std::string& text : texts) candidates.push_back({text, *read_logic_formula(text, atoms)});
  return candidates;
}

/// "P=T Q=F"
std::string row_text(std::size_t row, const std::string& atoms) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < atoms.size(); ++i)
    parts.push_back(std::string(1, atoms[i]) + ((row >> i & 1) != 0 ? "=T" : "=F"));
  return words_joined(parts, " ");
}

/// The rows of the premises, in all of which the formula holds; for each premise a row that shows that it
/// does not give the formula alone.
std::string steps_of(const Rules& rules, const std::string& text) {
  const std::uint64_t table = read_logic_formula(text, rules.atoms)->table;
  const std::uint64_t together = rules.all_premises();
  std::string steps = "All premises are true for";
  for (std::size_t row = 0; row < std::size_t{1} << rules.atoms.size(); ++row) {
    if ((together >> row & 1) != 0) steps += (steps.back() == 'r' ? " " : "; ") + row_text(row, rules.atoms);
  }
  steps += ". There " + text + " is true each time.";
  for (std::size_t i = 0; i < rules.premises.size(); ++i) {
    const auto row = static_cast<std::size_t>(std::countr_zero(rules.premises[i] & ~table));
    steps += "\nFor " + row_text(row, rules.atoms) + " premise " + std::to_string(i + 1) + " is true and " +
             text + " is not.";
  }
  return steps;
}

class EntailmentTask final : public WordsTask {
 public:
  explicit EntailmentTask(std::string name) : WordsTask(std::move(name), TaskKind::entailment) {}

  /// The opposite of the solution: false in every row of the premises.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    return "~(" + problem.answer + ")";
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    const Rules rules = read_rules(spec);
    if (answer.ends_with('.')) answer.remove_suffix(1);
    const auto formula = read_logic_formula(answer, rules.atoms);
    return formula && rules.admits(*formula) ? Grade::equal : Grade::different;
  }

  /// Level 1: 22 * 21 / 2 pairs of letters; two literals of different letters (8 in order), or a literal and
  /// an equivalence (4 * 8, in two orders).
  [[nodiscard]] std::optional<std::uint64_t> count_problems(std::int64_t level) const override {
    if (level > 1) return std::nullopt;
    return 231 * (8 + 64);
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    const std::string atoms = random_letters(l.num_atoms, random);
    const std::vector<Candidate> candidates = short_formulas(atoms, l.min_atoms);
    // The solution is drawn before the premises, from those that can be one: no form of answer is right more
    // often.
    // Of two letters only a formula that is true in two of the four rows leaves room on both sides.
    std::vector<Candidate> targets;
    for (const Candidate& c : candidates) {
      if (l.num_atoms > 2 || std::popcount(c.formula.table) == 2) targets.push_back(c);
    }
    const Candidate target = words_pick(targets, random);
    std::optional<Rules> found;
    for (int i = 0; i < kMaxDraws && !found; ++i) {
      found = random_rules(l, atoms, target.formula, random);
      if (found && !(found->admits(target.formula) && are_fit(*found, candidates))) found.reset();
    }
    if (!found) {
      throw Error(ExitCode::internal, "entailment: no premises for " + target.text + " in " +
                                          std::to_string(kMaxDraws) + " draws");
    }
    const Rules& rules = *found;
    Draft draft;
    draft.answer = target.text;
    draft.steps = steps_of(rules, draft.answer);
    draft.prompt = "Premises (~ is not, & and, | or, -> implies, <-> if and only if):";
    for (std::size_t i = 0; i < rules.texts.size(); ++i)
      draft.prompt += "\n" + std::to_string(i + 1) + ". " + rules.texts[i];
    draft.prompt +=
        "\nFind a formula that follows from the premises together, but from none of them alone, and that "
        "says less "
        "than all of them together. ";
    draft.prompt += l.min_atoms > 1 ? "Its truth must depend on at least " + std::to_string(l.min_atoms) +
                                          " letters, and at most "
                                    : "At most ";
    draft.prompt += std::to_string(l.max_atoms) + (l.max_atoms == 1 ? " letter" : " letters") +
                    " may stand in it, repetitions counted. Answer with the formula alone, with parentheses "
                    "where operations are mixed, in a form like " +
                    form(rules.atoms, draft.answer) + ".";
    draft.spec = nlohmann::json{{"atoms", rules.atoms},
                                {"premises", rules.texts},
                                {"min_atoms", l.min_atoms},
                                {"max_atoms", l.max_atoms}}
                     .dump();
    return draft;
  }

 private:
  static std::string random_letters(std::size_t count, RandomStream& random) {
    std::string letters = "ABCDEGHJKLMNPQRSUVWXYZ";  // T and F are truth values in the steps
    words_shuffle(letters, random);
    letters.resize(count);
    std::sort(letters.begin(), letters.end());
    return letters;
  }

  /// Premises, or nothing where one of them is of no use: never true, or enough for the target alone.
  static std::optional<Rules> random_rules(const Level& level, const std::string& atoms,
                                           const LogicFormula& target, RandomStream& random) {
    Rules rules;
    rules.atoms = atoms;
    rules.min_atoms = level.min_atoms;
    rules.max_atoms = level.max_atoms;
    for (std::size_t i = 0; i < level.num_premises; ++i) {
      // Level 1 has two letters: premises of one letter leave room between the parts and the whole.
      const bool is_single = level.num_atoms == 2 && random.below(2) == 0;
      rules.texts.push_back(is_single ? literal(words_pick(atoms, random), random.below(2) == 0)
                                      : random_formula(atoms, level.depth, random));
      rules.premises.push_back(read_logic_formula(rules.texts.back(), atoms)->table);
      if ((rules.premises.back() & ~target.table) == 0) return std::nullopt;
    }
    return rules;
  }

  /// Whether premises are fit for a problem: not contradictory, none of them always true, no two of them the
  /// same, and at most one in ten of the short formulas a solution, so that a guess is seldom one. Of two
  /// letters that is one formula, and leaves the premises that are true in half of the rows.
  static bool are_fit(const Rules& rules, const std::vector<Candidate>& candidates) {
    const std::uint64_t rows = logic_all_rows(rules.atoms.size());
    for (std::size_t i = 0; i < rules.premises.size(); ++i) {
      const auto before = rules.premises.begin() + static_cast<std::ptrdiff_t>(i);
      if (rules.premises[i] == rows || std::find(rules.premises.begin(), before, rules.premises[i]) != before)
        return false;
    }
    const auto solutions = std::count_if(candidates.begin(), candidates.end(),
                                         [&](const Candidate& c) { return rules.admits(c.formula); });
    return rules.all_premises() != 0 && static_cast<std::size_t>(solutions) * 10 <= candidates.size();
  }

  /// A formula of the form of an answer that is not the solution.
  static std::string form(const std::string& atoms, const std::string& solution) {
    const std::string text = std::string(1, atoms[0]) + " & ~" + atoms[1];
    return text == solution ? "~" + std::string(1, atoms[0]) + " | " + atoms[1] : text;
  }
};

}  // namespace

std::unique_ptr<Task> make_entailment_task(std::string name) {
  return std::make_unique<EntailmentTask>(std::move(name));
}

}  // namespace reckon
