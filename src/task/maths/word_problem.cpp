#include <array>

#include "number_answer.h"
#include "puzzles/words_task.h"
#include "word_story.h"

namespace reckon {
namespace {

constexpr std::array<std::size_t, 5> kNumSteps{2, 3, 4, 5, 6};
constexpr std::size_t kMaxSteps = 100;
constexpr std::int64_t kMaxValue = 1'000'000'000;

/// A number, or "#k": the k-th result, from 1.
std::int64_t read_operand(const LogicSpec& spec, const nlohmann::json& value,
                          const std::vector<std::int64_t>& results) {
  if (!value.is_string()) return spec.integer_of(value, "an operand", -kMaxValue, kMaxValue);
  const std::string& text = spec.text_of(value, "an operand", 4);
  const auto number = text[0] == '#' ? words_digits(std::string_view(text).substr(1), 3) : std::nullopt;
  if (!number || *number < 1 || *number > static_cast<std::int64_t>(results.size()))
    spec.fail("an operand is " + value.dump() + " (need a number, or #k for the k-th result so far)");
  return results[static_cast<std::size_t>(*number) - 1];
}

/// The last result of a program.
std::int64_t value_of(const LogicSpec& spec) {
  std::vector<std::int64_t> results;
  for (const auto& entry : spec.list("steps", 1, kMaxSteps)) {
    const auto& parts = spec.list_of(entry, "a step", 3, 3);
    const std::string& operation = spec.text_of(parts[0], "an operation", 1);
    const std::int64_t left = read_operand(spec, parts[1], results);
    const std::int64_t right = read_operand(spec, parts[2], results);
    std::int64_t value = 0;
    if (operation == "+") {
      value = left + right;
    } else if (operation == "-") {
      value = left - right;
    } else if (operation == "*") {
      value = left * right;  // below 10^18
    } else if (operation == "/") {
      if (right == 0 || left % right != 0) spec.fail("step " + entry.dump() + " does not divide evenly");
      value = left / right;
    } else {
      spec.fail("an operation is " + parts[0].dump() + " (need + - * or /)");
    }
    if (value > kMaxValue || value < -kMaxValue) {
      spec.fail("step " + entry.dump() + " gives " + std::to_string(value) + " (need at most " +
                std::to_string(kMaxValue) + ")");
    }
    results.push_back(value);
  }
  return results.back();
}

class WordProblemTask final : public WordsTask {
 public:
  explicit WordProblemTask(std::string name) : WordsTask(std::move(name), TaskKind::word_problem) {}

  /// One too many.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    return std::to_string(value_of(LogicSpec("word_problem", problem.spec)) + 1);
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    return grade_whole(value_of(spec), answer);
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const WordStory story = random_word_story(kNumSteps.at(static_cast<std::size_t>(level - 1)), random);
    return {.prompt = story.text + " Answer with the number alone, in digits, in a form like " +
                      (story.answer == 12 ? "34." : "12."),
            .spec = nlohmann::json{{"steps", story.program}}.dump(),
            .answer = std::to_string(story.answer),
            .steps = story.steps};
  }
};

}  // namespace

std::unique_ptr<Task> make_word_problem_task(std::string name) {
  return std::make_unique<WordProblemTask>(std::move(name));
}

}  // namespace reckon
