#include <array>

#include "number_answer.h"
#include "puzzles/words_task.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"

namespace reckon {
namespace {

constexpr std::int64_t kMaxCoefficient = 1'000'000;  // determinants of 3 x 3 stay below 2^63
constexpr std::string_view kNames = "xyz";
/// Systems drawn for one that has a single solution; few have none.
constexpr int kMaxDraws = 1000;

/// left . (x, y, z) + constant = right . (x, y, z) + right_constant, with as many unknowns as equations.
struct Equation {
  std::array<std::int64_t, 3> left{};
  std::int64_t left_constant = 0;
  std::array<std::int64_t, 3> right{};
  std::int64_t right_constant = 0;
};

/// a . (x, y, z) = c
struct Row {
  std::array<std::int64_t, 3> a{};
  std::int64_t c = 0;
};

Row row_of(const Equation& equation) {
  Row row;
  for (std::size_t i = 0; i < 3; ++i) row.a[i] = equation.left[i] - equation.right[i];
  row.c = equation.right_constant - equation.left_constant;
  return row;
}

/// Determinant of the first n columns, with column `replaced` taken from the right sides (none for n or
/// more).
std::int64_t determinant(const std::vector<Row>& rows, std::size_t replaced) {
  const auto at = [&](std::size_t i, std::size_t j) { return j == replaced ? rows[i].c : rows[i].a[j]; };
  if (rows.size() == 1) return at(0, 0);
  if (rows.size() == 2) return at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0);
  std::int64_t sum = 0;
  for (std::size_t j = 0; j < 3; ++j) {
    const std::size_t k = (j + 1) % 3;
    const std::size_t l = (j + 2) % 3;
    sum += at(0, j) * (at(1, k) * at(2, l) - at(1, l) * at(2, k));
  }
  return sum;
}

/// Cramer's rule; nothing where there is not exactly one solution.
std::optional<std::vector<Ratio>> solve(const std::vector<Row>& rows) {
  const std::int64_t divisor = determinant(rows, 3);
  if (divisor == 0) return std::nullopt;
  std::vector<Ratio> values;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int64_t top = determinant(rows, i);
    values.push_back(divisor > 0 ? Ratio{top, divisor} : Ratio{-top, -divisor});
  }
  return values;
}

std::string side_text(const std::array<std::int64_t, 3>& coefficients, std::int64_t constant) {
  std::string text;
  const auto add = [&text](std::int64_t value, const std::string& name) {
    if (value == 0) return;
    const std::string sign = text.empty() ? (value < 0 ? "-" : "") : (value < 0 ? " - " : " + ");
    const std::int64_t size = std::abs(value);
    text += sign + (size == 1 && !name.empty() ? "" : std::to_string(size)) + name;
  };
  for (std::size_t i = 0; i < 3; ++i) add(coefficients[i], {kNames[i]});
  add(constant, "");
  return text.empty() ? "0" : text;
}

std::string text_of(const Equation& equation) {
  return side_text(equation.left, equation.left_constant) + " = " +
         side_text(equation.right, equation.right_constant);
}

std::string solution_text(const std::vector<Ratio>& values) {
  std::vector<std::string> parts;
  for (std::size_t i = 0; i < values.size(); ++i)
    parts.push_back(std::string(1, kNames[i]) + " = " + ratio_text(values[i]));
  return words_joined(parts, ", ");
}

std::string steps_of(const std::vector<Row>& rows, const std::vector<Ratio>& values) {
  std::string text = "With the unknowns on the left:";
  for (const Row& row : rows) text += "\n" + side_text(row.a, 0) + " = " + std::to_string(row.c);
  if (rows.size() == 1)
    return text + "\nDivided by " + std::to_string(rows[0].a[0]) + ": " + solution_text(values) + ".";
  const std::int64_t divisor = determinant(rows, 3);
  text += "\nBy Cramer's rule the determinant is D = " + std::to_string(divisor) + ".";
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string top = std::to_string(determinant(rows, i));
    text += "\nD" + std::string(1, kNames[i]) + " = " + top + ", so " + kNames[i] + " = " + top + " / " +
            std::to_string(divisor) + " = " + ratio_text(values[i]) + ".";
  }
  return text;
}

/// Equations with one solution. Levels 1 and 2 have one unknown, 3 and 4 two, 5 three; 1 and 3 are made from
/// whole solutions, the others from random sides, so that most solutions are fractions.
std::vector<Equation> random_equations(std::int64_t level, RandomStream& random) {
  const auto nonzero = [&random](std::int64_t size) {
    const std::int64_t value = words_within(random, 1, size);
    return random.below(2) == 0 ? value : -value;
  };
  const std::size_t unknowns = level <= 2 ? 1 : level <= 4 ? 2 : 3;
  const bool is_whole = level == 1 || level == 3;
  std::array<std::int64_t, 3> solution{};
  for (std::size_t i = 0; i < unknowns; ++i) solution[i] = words_within(random, -20, 20);
  std::vector<Equation> equations(unknowns);
  for (Equation& equation : equations) {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < unknowns; ++i) {
      equation.left[i] = level == 1 ? words_within(random, 2, 12) : nonzero(level == 5 ? 7 : 9);
      sum += equation.left[i] * solution[i];
    }
    if (unknowns == 1) equation.left_constant = nonzero(30);
    if (level == 2) equation.right[0] = nonzero(9);
    equation.right_constant = is_whole ? sum + equation.left_constant : words_within(random, -30, 30);
  }
  return equations;
}

std::vector<Row> read_rows(const LogicSpec& spec) {
  const auto& list = spec.list("equations", 1, 3);
  std::vector<Row> rows;
  for (const auto& entry : list) {
    const auto& numbers = spec.list_of(entry, "an equation", list.size() + 1, list.size() + 1);
    Row row;
    for (std::size_t i = 0; i < list.size(); ++i)
      row.a[i] = spec.integer_of(numbers[i], "a coefficient", -kMaxCoefficient, kMaxCoefficient);
    row.c = spec.integer_of(numbers[list.size()], "a right side", -kMaxCoefficient, kMaxCoefficient);
    rows.push_back(row);
  }
  return rows;
}

/// The value that an answer gives to each unknown: x = 3, y = -1/2 in any order, each once; with one unknown
/// the value alone too.
std::optional<std::vector<std::string_view>> read_values(std::string_view answer, std::size_t unknowns) {
  const auto parts = words_items(answer, unknowns);
  if (!parts || parts->size() != unknowns) return std::nullopt;
  for (const std::string_view part : *parts) {
    if (part.ends_with('.')) return std::nullopt;  // words_items() took the one that may stand there
  }
  if (unknowns == 1 && parts->front().find('=') == std::string_view::npos) return parts;
  std::vector<std::string_view> values(unknowns);
  for (const std::string_view part : *parts) {
    const std::size_t name = kNames.find(part.front());
    const std::string_view rest = trim_blanks(part.substr(1));
    if (name >= unknowns || !rest.starts_with('=') || !values[name].empty()) return std::nullopt;
    values[name] = trim_blanks(rest.substr(1));
  }
  return values;
}

class LinearEquationsTask final : public WordsTask {
 public:
  explicit LinearEquationsTask(std::string name) : WordsTask(std::move(name), TaskKind::linear_equations) {}

  /// The last unknown one too large.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    auto values = solve(read_rows(LogicSpec("linear_equations", problem.spec))).value();
    values.back().numerator += values.back().denominator;
    return solution_text(values);
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    const auto solution = solve(read_rows(spec));
    if (!solution) spec.fail("the equations have no single solution (need a determinant other than 0)");
    const auto values = read_values(answer, solution->size());
    if (!values) return Grade::different;
    for (std::size_t i = 0; i < values->size(); ++i) {
      const Grade grade = grade_ratio((*solution)[i], (*values)[i]);
      if (grade != Grade::equal) return grade == Grade::no_answer ? Grade::different : grade;
    }
    return Grade::equal;
  }

  [[nodiscard]] std::optional<std::uint64_t> count_problems(std::int64_t level) const override {
    if (level > 1) return std::nullopt;
    return 11 * 60 * 41;  // factor, constant, solution
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    std::vector<Equation> equations;
    std::vector<Row> rows;
    std::optional<std::vector<Ratio>> values;
    for (int i = 0; i < kMaxDraws && !values; ++i) {
      equations = random_equations(level, random);
      rows.clear();
      for (const Equation& equation : equations) rows.push_back(row_of(equation));
      values = solve(rows);
    }
    if (!values)
      throw Error(ExitCode::internal, "linear_equations: " + std::to_string(kMaxDraws) + " singular systems");
    const std::string names[] = {"x", "x and y", "x, y and z"};
    const std::string forms[] = {"x = 7/3", "x = 7/3, y = -4", "x = 7/3, y = -4, z = 0"};
    const std::size_t last = rows.size() - 1;
    Draft draft;
    draft.prompt = "Solve for " + names[last] + ":";
    nlohmann::json spec = nlohmann::json::array();
    for (std::size_t i = 0; i < rows.size(); ++i) {
      draft.prompt += "\n" + text_of(equations[i]);
      nlohmann::json numbers = nlohmann::json::array();
      for (std::size_t j = 0; j < rows.size(); ++j) numbers.push_back(rows[i].a[j]);
      numbers.push_back(rows[i].c);
      spec.push_back(numbers);
    }
    draft.answer = solution_text(*values);
    draft.prompt +=
        "\nAnswer with exact values, whole numbers or fractions, in a form like " + forms[last] + ".";
    draft.spec = nlohmann::json{{"equations", spec}}.dump();
    draft.steps = steps_of(rows, *values);
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_linear_equations_task(std::string name) {
  return std::make_unique<LinearEquationsTask>(std::move(name));
}

}  // namespace reckon
