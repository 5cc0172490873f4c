#include <array>
#include <numeric>

#include "number_answer.h"
#include "puzzles/words_task.h"

namespace reckon {
namespace {

constexpr std::int64_t kMaxModulus = 1'000'000;
constexpr std::int64_t kMaxOperand = 1'000'000'000;
constexpr std::int64_t kMaxExponent = 64;
constexpr std::size_t kMaxSteps = 1000;

struct Level {
  std::size_t num_steps;
  std::int64_t min_modulus;
  std::int64_t max_modulus;
  bool powers;  ///< x^2 and x^3 among the steps
};
constexpr std::array<Level, 5> kLevels{{{3, 20, 50, false},
                                        {6, 20, 100, false},
                                        {10, 50, 500, true},
                                        {16, 100, 2'000, true},
                                        {24, 1'000, 20'000, true}}};

/// + - * with an operand, or ^ with an exponent. Residues are 0 .. modulus - 1.
struct Step {
  char operation = '+';
  std::int64_t operand = 0;
};

std::int64_t residue(std::int64_t value, std::int64_t modulus) {
  return (value % modulus + modulus) % modulus;
}

std::int64_t apply(std::int64_t x, const Step& step, std::int64_t modulus) {
  const std::int64_t operand = residue(step.operand, modulus);
  if (step.operation == '+') return residue(x + operand, modulus);
  if (step.operation == '-') return residue(x - operand, modulus);
  if (step.operation == '*') return x * operand % modulus;
  std::int64_t power = 1 % modulus;
  for (std::int64_t i = 0; i < step.operand; ++i) power = power * x % modulus;
  return power;
}

std::string instruction(const Step& step) {
  const std::string operand = std::to_string(step.operand);
  if (step.operation == '+') return "add " + operand;
  if (step.operation == '-') return "subtract " + operand;
  if (step.operation == '*') return "multiply by " + operand;
  return step.operand == 2 ? "square" : "raise to the power " + operand;
}

/// 37 * 12 = 444 = 15 (mod 33); the value before the reduction stays out where it is reduced already.
std::string step_text(std::int64_t x, const Step& step, std::int64_t modulus) {
  const std::int64_t result = apply(x, step, modulus);
  std::int64_t exact = x;
  if (step.operation == '+') exact = x + step.operand;
  if (step.operation == '-') exact = x - step.operand;
  if (step.operation == '*') exact = x * step.operand;
  for (std::int64_t i = 1; step.operation == '^' && i < step.operand; ++i) exact *= x;
  return std::to_string(x) + " " + step.operation + " " + std::to_string(step.operand) + " = " +
         std::to_string(exact) +
         (exact == result ? "" : " = " + std::to_string(result) + " mod " + std::to_string(modulus));
}

class ModularChainTask final : public WordsTask {
 public:
  explicit ModularChainTask(std::string name) : WordsTask(std::move(name), TaskKind::modular_chain) {}

  /// The next residue.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    const LogicSpec spec("modular_chain", problem.spec);
    return std::to_string((value_of(spec) + 1) % spec.integer("modulus", 2, kMaxModulus));
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    return grade_whole(value_of(spec), answer);
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    const std::int64_t modulus = words_within(random, l.min_modulus, l.max_modulus);
    const std::int64_t start = words_within(random, 1, modulus - 1);
    Draft draft;
    draft.prompt = "Start with " + std::to_string(start) + " and reduce every result modulo " +
                   std::to_string(modulus) + " to 0 .. " + std::to_string(modulus - 1) + ":";
    draft.steps = "Modulo " + std::to_string(modulus) + ":";
    nlohmann::json steps = nlohmann::json::array();
    std::int64_t x = start;
    for (std::size_t i = 0; i < l.num_steps; ++i) {
      const Step step = random_step(l, modulus, random);
      draft.prompt += (i == 0 ? " " : ", ") + instruction(step);
      draft.steps += "\n" + step_text(x, step, modulus);
      steps.push_back({std::string(1, step.operation), step.operand});
      x = apply(x, step, modulus);
    }
    draft.prompt += ". What is the final number? Answer with it alone, in digits, in a form like 12.";
    draft.answer = std::to_string(x);
    draft.spec = nlohmann::json{{"modulus", modulus}, {"start", start}, {"steps", steps}}.dump();
    return draft;
  }

 private:
  [[nodiscard]] static std::int64_t value_of(const LogicSpec& spec) {
    const std::int64_t modulus = spec.integer("modulus", 2, kMaxModulus);
    std::int64_t x = residue(spec.integer("start", -kMaxOperand, kMaxOperand), modulus);
    for (const auto& entry : spec.list("steps", 0, kMaxSteps)) {
      const auto& parts = spec.list_of(entry, "a step", 2, 2);
      const std::string& operation = spec.text_of(parts[0], "a step's operation", 1);
      if (std::string_view("+-*^").find(operation) == std::string_view::npos)
        spec.fail("a step's operation is " + parts[0].dump() + " (need + - * or ^)");
      const bool is_power = operation == "^";
      x = apply(x,
                {operation[0], spec.integer_of(parts[1], "a step's operand", is_power ? 0 : -kMaxOperand,
                                               is_power ? kMaxExponent : kMaxOperand)},
                modulus);
    }
    return x;
  }

  /// Multiplies half of the time, by a unit more often than not: factors that share a divisor with the
  /// modulus lead to 0, which would become a good guess.
  static Step random_step(const Level& level, std::int64_t modulus, RandomStream& random) {
    const std::uint32_t kind = random.below(level.powers ? 10 : 8);
    if (kind < 2) return {'+', words_within(random, 2, modulus - 1)};
    if (kind < 4) return {'-', words_within(random, 2, modulus - 1)};
    if (kind >= 8) return {'^', kind - 6};
    std::int64_t factor = words_within(random, 2, modulus - 1);
    for (int i = 0; i < 8 && std::gcd(factor, modulus) > 1; ++i)
      factor = words_within(random, 2, modulus - 1);
    return {'*', factor};
  }
};

}  // namespace

std::unique_ptr<Task> make_modular_chain_task(std::string name) {
  return std::make_unique<ModularChainTask>(std::move(name));
}

}  // namespace reckon
