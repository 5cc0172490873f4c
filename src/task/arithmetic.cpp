#include "reckon/task/arithmetic.h"

#include "generated_task.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

constexpr std::size_t kMaxExpressionBytes = 4096;
constexpr int kMaxDepth = 64;

// Levels up to this are chains of level + 1 terms; those above are nested, with level - 3 operands.
constexpr std::int64_t kMaxChainLevel = 5;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Recursive descent; writes a step at each operation.
class Evaluator {
 public:
  Evaluator(std::string_view expression, std::string_view where) : text_(expression), where_(where) {}

  ArithmeticSolution run() {
    if (text_.size() > kMaxExpressionBytes)
      fail("is longer than " + std::to_string(kMaxExpressionBytes) + " bytes");
    solution_.value = sum(0);
    if (at_ != text_.size()) fail("cannot be read at byte " + std::to_string(at_));
    return solution_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ExitCode::bad_data, std::string(where_) + ": expression \"" +
                                        std::string(text_.substr(0, 80)) + "\" " + what +
                                        " (need digits, + - * and parentheses)");
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  int apply(int left, char operation, int right) {
    const int exact = operation == '+' ? left + right : operation == '-' ? left - right : left * right;
    const int value = (exact + 10) % 10;
    if (!solution_.steps.empty()) solution_.steps += ';';
    solution_.steps += std::to_string(left) + operation + std::to_string(right) + '=' + std::to_string(value);
    return value;
  }
  int sum(int depth) {
    int value = product(depth);
    while (peek() == '+' || peek() == '-') {
      const char operation = text_[at_++];
      value = apply(value, operation, product(depth));
    }
    return value;
  }
  int product(int depth) {
    int value = operand(depth);
    while (peek() == '*') {
      ++at_;
      value = apply(value, '*', operand(depth));
    }
    return value;
  }
  int operand(int depth) {
    if (is_digit(peek())) return text_[at_++] - '0';
    if (peek() != '(') fail("cannot be read at byte " + std::to_string(at_));
    if (depth == kMaxDepth) fail("is nested deeper than " + std::to_string(kMaxDepth));
    ++at_;
    const int value = sum(depth + 1);
    if (peek() != ')') fail("cannot be read at byte " + std::to_string(at_));
    ++at_;
    return value;
  }

  std::string_view text_;
  std::string_view where_;
  std::size_t at_ = 0;
  ArithmeticSolution solution_;
};

char random_digit(RandomStream& random) {
  return static_cast<char>('0' + random.below(10));
}

/// Number of binary trees with this many leaves: the Catalan numbers.
std::uint64_t num_trees(std::uint32_t num_leaves) {
  if (num_leaves == 1) return 1;
  std::uint64_t count = 0;
  for (std::uint32_t left = 1; left < num_leaves; ++left)
    count += num_trees(left) * num_trees(num_leaves - left);
  return count;
}

/// A uniformly random tree over + - *, every operation but the root in parentheses.
std::string random_tree(std::uint32_t num_leaves, RandomStream& random) {
  if (num_leaves == 1) return {random_digit(random)};
  auto pick = static_cast<std::int64_t>(random.below(static_cast<std::uint32_t>(num_trees(num_leaves))));
  std::uint32_t left = 1;
  while (true) {
    pick -= static_cast<std::int64_t>(num_trees(left) * num_trees(num_leaves - left));
    if (pick < 0) break;
    ++left;
  }
  const auto side = [&](std::uint32_t leaves) {
    std::string text = random_tree(leaves, random);
    return leaves > 1 ? "(" + text + ")" : text;
  };
  const std::string first = side(left);
  const char operation = "+-*"[random.below(3)];
  return first + operation + side(num_leaves - left);
}

std::uint64_t power(std::uint64_t base, std::int64_t exponent) {
  std::uint64_t result = 1;
  for (; exponent > 0; --exponent) result *= base;
  return result;
}

class ArithmeticTask final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::arithmetic; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5, 6, 7, 8}; }
  [[nodiscard]] std::string alphabet() const override { return "0123456789+-*()=;"; }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    constexpr std::string_view kWhere = "arithmetic: spec";
    const nlohmann::json rules = parse_json(spec, kWhere);
    if (!rules.is_object()) throw Error(ExitCode::bad_data, "arithmetic: spec is no JSON object");
    const int value = solve_arithmetic(json_string(rules, "expression", kWhere), kWhere).value;
    const std::string_view digit = trim_blanks(answer);
    if (digit.empty()) return Grade::no_answer;
    return digit.size() == 1 && digit[0] == '0' + value ? Grade::equal : Grade::different;
  }

  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    return {static_cast<char>('0' + (problem.answer[0] - '0' + 1) % 10)};
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    if (level <= kMaxChainLevel) return power(10, level + 1) * power(2, level);
    const std::int64_t leaves = level - 3;
    return num_trees(static_cast<std::uint32_t>(leaves)) * power(3, leaves - 1) * power(10, leaves);
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    std::string prompt;
    if (level > kMaxChainLevel) {
      prompt = random_tree(static_cast<std::uint32_t>(level - 3), random);
    } else {
      prompt += random_digit(random);
      for (std::int64_t i = 0; i < level; ++i) {
        prompt += "+-"[random.below(2)];
        prompt += random_digit(random);
      }
    }
    return {.prompt = prompt + "=", .spec = {}, .answer = {}, .steps = {}};
  }

  void complete(Draft& draft) const override {
    const std::string expression = draft.prompt.substr(0, draft.prompt.size() - 1);
    ArithmeticSolution solution = solve_arithmetic(expression, "arithmetic");
    draft.spec = nlohmann::json{{"expression", expression}}.dump();
    draft.answer = std::to_string(solution.value);
    draft.steps = std::move(solution.steps);
  }
};

}  // namespace

ArithmeticSolution solve_arithmetic(std::string_view expression, std::string_view where) {
  return Evaluator(expression, where).run();
}

std::unique_ptr<Task> make_arithmetic_task(std::string name) {
  return std::make_unique<ArithmeticTask>(std::move(name));
}

}  // namespace reckon
