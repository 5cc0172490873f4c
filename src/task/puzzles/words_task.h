#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "generated_task.h"
#include "logic_spec.h"

namespace reckon {

/// A generated task with English prompts and the levels 1 .. 5, whose verifier reads its spec with LogicSpec.
class WordsTask : public GeneratedTask {
 public:
  WordsTask(std::string name, TaskKind kind) : GeneratedTask(std::move(name)), kind_(kind) {}

  [[nodiscard]] TaskKind kind() const final { return kind_; }
  [[nodiscard]] std::vector<std::int64_t> levels() const final { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const final { return english_alphabet(); }
  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const final;
  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const final;

 protected:
  /// Checks all of the spec, then the answer by its rules. \param answer  without blanks around it; where it
  /// is empty only the check of the spec counts.
  [[nodiscard]] virtual Grade judge(const LogicSpec& spec, std::string_view answer) const = 0;
  /// distinct_problems() of a level that there is.
  [[nodiscard]] virtual std::optional<std::uint64_t> count_problems(std::int64_t) const { return {}; }

 private:
  TaskKind kind_;
};

/// The entries of an answer in the order in which they stand, split at commas, semicolons and line feeds,
/// without blanks around them; one full stop may end the answer, and lines may be empty or end in a comma.
/// Nothing where an entry between commas is empty, or there are more than `max_items`.
[[nodiscard]] std::optional<std::vector<std::string_view>> words_items(std::string_view answer,
                                                                       std::size_t max_items);

/// ASCII letters made small; other bytes as they are.
[[nodiscard]] std::string words_lower(std::string_view text);

/// "a, b and c".
[[nodiscard]] std::string words_list(const std::vector<std::string>& words);
[[nodiscard]] std::string words_joined(const std::vector<std::string>& words, std::string_view separator);

/// Decimal digits alone, at most `max_digits` of them, as a number; nothing for anything else.
[[nodiscard]] std::optional<std::int64_t> words_digits(std::string_view text, std::size_t max_digits);

/// Uniform in low .. high, both included.
[[nodiscard]] inline std::int64_t words_within(RandomStream& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random.below(static_cast<std::uint32_t>(high - low + 1)));
}

/// Fisher and Yates.
template <class List>
void words_shuffle(List& list, RandomStream& random) {
  for (std::size_t i = list.size(); i > 1; --i)
    std::swap(list[i - 1], list[random.below(static_cast<std::uint32_t>(i))]);
}

template <class List>
[[nodiscard]] const auto& words_pick(const List& list, RandomStream& random) {
  return list[random.below(static_cast<std::uint32_t>(std::size(list)))];
}

/// `count` different entries of a list, in random order.
template <class List>
[[nodiscard]] std::vector<std::string> words_sample(const List& list, std::size_t count,
                                                    RandomStream& random) {
  std::vector<std::string> all(std::begin(list), std::end(list));
  words_shuffle(all, random);
  all.resize(count);
  return all;
}

}  // namespace reckon
