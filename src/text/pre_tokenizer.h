#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "split_regex.h"

namespace reckon {

/// The matches of a pattern as pieces of their own.
struct SplitStep {
  SplitRegex regex;
  bool is_inverted = false;      ///< what lies between the matches counts as matched
  bool removes_matches = false;  ///< else matches are pieces too (behavior Isolated)
};

/// Digits as pieces of their own, each alone or in runs.
struct DigitsStep {
  bool individual = false;
};

/// Begins each piece with a blank, unless it does so already.
struct PrefixSpaceStep {};

using PreTokenizerStep = std::variant<SplitStep, DigitsStep, PrefixSpaceStep>;

/// The pattern of the pre-tokenizer ByteLevel with use_regex: that of GPT-2.
[[nodiscard]] SplitRegex gpt2_pattern();

/// Cuts text into the words that the model sees. Each step works on the pieces of the one before.
class PreTokenizer {
 public:
  PreTokenizer() = default;
  explicit PreTokenizer(std::vector<PreTokenizerStep> steps) : steps_(std::move(steps)) {}

  [[nodiscard]] bool is_empty() const { return steps_.empty(); }

  /// Calls `take(word)` for each word in order; a word lives until take returns. \param text  is UTF-8.
  template <typename Take>
  void split(std::string_view text, const Take& take) const {
    run(0, text, take);
  }

 private:
  template <typename Take>
  void run(std::size_t step, std::string_view piece, const Take& take) const {
    if (piece.empty()) return;
    if (step == steps_.size()) {
      take(piece);
      return;
    }
    const auto next = [&](std::string_view part) { run(step + 1, part, take); };
    if (const auto* split_step = std::get_if<SplitStep>(&steps_[step])) {
      split_at_matches(*split_step, piece, next);
    } else if (const auto* digits = std::get_if<DigitsStep>(&steps_[step])) {
      split_digits(digits->individual, piece, next);
    } else if (piece.front() != ' ') {
      next(" " + std::string(piece));
    } else {
      next(piece);
    }
  }

  template <typename Next>
  static void split_at_matches(const SplitStep& step, std::string_view piece, const Next& next) {
    const bool keeps_matches = !step.removes_matches || step.is_inverted;
    const bool keeps_others = !step.removes_matches || !step.is_inverted;
    std::size_t done = 0;
    while (const auto match = step.regex.find(piece, done)) {
      if (keeps_others && match->begin > done) next(piece.substr(done, match->begin - done));
      if (keeps_matches) next(piece.substr(match->begin, match->end - match->begin));
      done = match->end;
    }
    if (keeps_others && done < piece.size()) next(piece.substr(done));
  }

  template <typename Next>
  static void split_digits(bool individual, std::string_view piece, const Next& next) {
    std::size_t done = 0;
    while (done < piece.size()) {
      const std::size_t end = end_of_run(piece, done, individual);
      next(piece.substr(done, end - done));
      done = end;
    }
  }

  /// The end of the run of digits (or of the one digit), or of other characters, that starts at a place.
  static std::size_t end_of_run(std::string_view piece, std::size_t start, bool individual);

  std::vector<PreTokenizerStep> steps_;
};

}  // namespace reckon
