#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reckon::bench {

/// A gold answer, what is graded against it, and whether it is right by how it was made.
struct GradePair {
  std::string gold;
  std::string pred;
  bool right = false;
};

/// How a completion ends: "tags" (<think>..</think> <answer>..</answer>), "boxed", "answer_is", "hashes"
/// (####), "formula".
std::span<const std::string_view> completion_forms();

/// Completions of 2 kB that reason as solutions of GSM8K do and end in a whole number, one in four of them
/// wrong.
std::vector<GradePair> completions(std::string_view form, std::size_t count);

/// Answers alone, of the kinds of MATH: half of them right in another form, half with one edit.
std::vector<GradePair> math_answers(std::size_t count);
/// The same of one kind of testing::answer_kinds().
std::vector<GradePair> math_answers(std::string_view kind, std::size_t count);

/// Prints what each of the worst inputs that are known takes: the longest of some runs, the growth of this
/// process, and of the processes under it.
void print_worst_cases();

}  // namespace reckon::bench
