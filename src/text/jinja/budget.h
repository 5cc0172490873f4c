#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "reckon/text/chat_template.h"

namespace reckon::jinja {

/// What goes wrong while a template runs. ChatTemplate::render puts the file and the line before it.
class Failure : public std::runtime_error {
 public:
  explicit Failure(const std::string& message) : std::runtime_error(message) {}
};

/// The template called raise_exception.
class RaisedByTemplate : public Failure {
 public:
  using Failure::Failure;
};

/// What one rendering may still spend. Every loop iteration, evaluated node, list item and 32 bytes of text
/// that are made or searched cost one step, so that time and memory are both bounded by the steps.
class Budget {
 public:
  explicit Budget(const TemplateLimits& limits) : limits_(limits) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  void spend(std::size_t steps = 1) {
    if (steps > limits_.steps - spent_) fail_steps();
    spent_ += steps;
  }
  /// A text of that many bytes is made or searched.
  void spend_text(std::size_t num_bytes) {
    check_text(num_bytes);
    spend(num_bytes / kBytesAStep + 1);
  }
  void check_text(std::size_t num_bytes) const {
    if (num_bytes > limits_.output_bytes) fail_output();
  }
  /// A container nested that deep is made, or so many macros call each other.
  void check_depth(std::size_t depth) const {
    if (depth > limits_.depth) fail_depth();
  }

  [[nodiscard]] const TemplateLimits& limits() const { return limits_; }

  /// One more level of the evaluator's own recursion, while the object lives.
  class Level {
   public:
    explicit Level(Budget& budget) : budget_(budget) {
      if (++budget_.levels_ > kMaxLevels) fail_levels();
    }
    ~Level() { --budget_.levels_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    void fail_levels() {
      --budget_.levels_;
      budget_.fail_depth();
    }
    Budget& budget_;
  };

 private:
  static constexpr std::size_t kBytesAStep = 32;
  /// Fits a stack of 8 MiB several times over, with the sanitizers too.
  static constexpr std::size_t kMaxLevels = 1500;

  [[noreturn]] void fail_steps() const;
  [[noreturn]] void fail_output() const;
  [[noreturn]] void fail_depth() const;

  TemplateLimits limits_;
  std::size_t spent_ = 0;
  std::size_t levels_ = 0;
};

/// A text that is written piece by piece, its size bounded on the way: what writers of values are built on.
class BoundedText {
 public:
  explicit BoundedText(Budget& budget) : budget_(budget) {}
  void add(std::string_view text) {
    text_ += text;
    budget_.spend_text(text.size());
    budget_.check_text(text_.size());
  }
  [[nodiscard]] std::string take() { return std::move(text_); }
  [[nodiscard]] Budget& budget() { return budget_; }

 private:
  Budget& budget_;
  std::string text_;
};

}  // namespace reckon::jinja
