#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "logic_sat.h"
#include "reckon/grade/extract.h"
#include "words_task.h"

namespace reckon {
namespace {

constexpr std::int64_t kMaxVariables = 64;
constexpr std::size_t kMaxClauses = 1000;
constexpr std::size_t kMaxLiterals = 16;
constexpr std::uint32_t kUnsatPercent = 40;
/// Draws for a formula that is (un)satisfiable as wanted; both kinds are common at the ratios of the levels.
constexpr int kMaxDraws = 1000;

struct Level {
  std::int64_t num_variables;
  std::size_t num_clauses;   ///< 3.0, 3.4, 3.75, 4.0 and 4.3 a variable
  std::size_t min_literals;  ///< with three variables there are eight clauses of three only: two of them are
                             ///< allowed too
};
constexpr std::array<Level, 5> kLevels{{{3, 9, 2}, {5, 17, 3}, {8, 30, 3}, {12, 48, 3}, {16, 69, 3}}};

struct Formula {
  std::size_t num_variables = 0;
  std::vector<LogicClause> clauses;
  bool satisfiable = false;
};

Formula read_formula(const LogicSpec& spec) {
  Formula formula;
  const std::int64_t variables = spec.integer("variables", 1, kMaxVariables);
  formula.num_variables = static_cast<std::size_t>(variables);
  formula.satisfiable = spec.flag("satisfiable");
  for (const auto& entry : spec.list("clauses", 1, kMaxClauses)) {
    LogicClause clause;
    for (const auto& literal : spec.list_of(entry, "a clause", 1, kMaxLiterals)) {
      clause.push_back(spec.integer_of(literal, "a literal", -variables, variables));
      if (clause.back() == 0) spec.fail("a literal is 0 (need the number of a variable, negative for NOT)");
    }
    formula.clauses.push_back(std::move(clause));
  }
  return formula;
}

/// x1=T, x2=F, ...: every variable once, in any order; also True and False, in letters of either case.
std::optional<std::vector<bool>> read_assignment(std::string_view answer, std::size_t num_variables) {
  const auto items = words_items(answer, num_variables);
  if (!items || items->size() != num_variables) return std::nullopt;
  std::vector<bool> values(num_variables, false);
  std::vector<bool> seen(num_variables, false);
  for (const std::string_view item : *items) {
    const std::size_t equals = item.find('=');
    if (equals == std::string_view::npos || (item[0] != 'x' && item[0] != 'X')) return std::nullopt;
    const auto number = words_digits(trim_blanks(item.substr(1, equals - 1)), 3);
    if (!number || *number < 1 || *number > static_cast<std::int64_t>(num_variables)) return std::nullopt;
    const auto i = static_cast<std::size_t>(*number) - 1;
    const std::string value = words_lower(trim_blanks(item.substr(equals + 1)));
    const bool is_true = value == "t" || value == "true";
    if (seen[i] || (!is_true && value != "f" && value != "false")) return std::nullopt;
    seen[i] = true;
    values[i] = is_true;
  }
  return values;
}

bool claims_unsat(std::string_view answer) {
  if (answer.ends_with('.')) answer.remove_suffix(1);
  const std::string word = words_lower(answer);
  return word == "unsat" || word == "unsatisfiable";
}

std::string assignment_text(const std::vector<bool>& values) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < values.size(); ++i)
    parts.push_back("x" + std::to_string(i + 1) + (values[i] ? "=T" : "=F"));
  return words_joined(parts, ", ");
}

std::string clause_text(const LogicClause& clause) {
  std::vector<std::string> parts;
  for (const std::int64_t literal : clause)
    parts.push_back((literal < 0 ? "NOT x" : "x") + std::to_string(std::abs(literal)));
  return words_joined(parts, " OR ");
}

/// Different clauses of different variables, in one order: a problem is a set of clauses.
std::vector<LogicClause> random_clauses(const Level& level, RandomStream& random) {
  std::set<LogicClause> clauses;
  std::vector<std::int64_t> variables;
  for (std::int64_t i = 1; i <= level.num_variables; ++i) variables.push_back(i);
  for (int i = 0; i < kMaxDraws && clauses.size() < level.num_clauses; ++i) {  // of at least twice as many
    words_shuffle(variables, random);
    const std::size_t size =
        level.min_literals + random.below(static_cast<std::uint32_t>(4 - level.min_literals));
    LogicClause clause(variables.begin(), variables.begin() + static_cast<std::ptrdiff_t>(size));
    std::sort(clause.begin(), clause.end());
    for (std::int64_t& literal : clause) literal = random.below(2) == 0 ? literal : -literal;
    clauses.insert(clause);
  }
  return {clauses.begin(), clauses.end()};
}

class SatTask final : public WordsTask {
 public:
  explicit SatTask(std::string name) : WordsTask(std::move(name), TaskKind::sat) {}

  /// An assignment against the first clause.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    const Formula formula = read_formula(LogicSpec("sat", problem.spec));
    std::vector<bool> values(formula.num_variables, true);
    for (const std::int64_t literal : formula.clauses[0])
      values[static_cast<std::size_t>(std::abs(literal)) - 1] = literal < 0;
    return assignment_text(values);
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    const Formula formula = read_formula(spec);
    if (claims_unsat(answer)) return formula.satisfiable ? Grade::different : Grade::equal;
    const auto values = read_assignment(answer, formula.num_variables);
    return values && logic_satisfies(*values, formula.clauses) ? Grade::equal : Grade::different;
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    const bool wanted = random.below(100) >= kUnsatPercent;
    std::vector<LogicClause> clauses;
    LogicSatResult result;
    for (int i = 0; i < kMaxDraws; ++i) {
      clauses = random_clauses(l, random);
      result = logic_solve_sat(static_cast<std::size_t>(l.num_variables), clauses);
      if (result.satisfiable == wanted) break;
    }
    Draft draft;
    draft.prompt =
        "Each of the variables x1 to x" + std::to_string(l.num_variables) +
        " is T (true) or F (false). Make all of these clauses true, each by at least one of its parts:";
    for (std::size_t i = 0; i < clauses.size(); ++i)
      draft.prompt += "\n" + std::to_string(i + 1) + ". " + clause_text(clauses[i]);
    draft.prompt +=
        "\nAnswer with the value of every variable, in the form x1=T, x2=F, ..., or with UNSAT if no values "
        "make "
        "all clauses true.";
    draft.spec =
        nlohmann::json{
            {"variables", l.num_variables}, {"clauses", clauses}, {"satisfiable", result.satisfiable}}
            .dump();
    draft.answer = result.satisfiable ? assignment_text(result.values) : "UNSAT";
    draft.steps = std::move(result.steps);
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_sat_task(std::string name) {
  return std::make_unique<SatTask>(std::move(name));
}

}  // namespace reckon
