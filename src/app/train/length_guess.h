#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "reckon/record/rollout.h"

namespace reckon {

/// How many tokens the completions of a prompt may take: the mean of its task and level in the last steps,
/// each counting half of the one after it. Says who samples what, and changes no result.
class LengthGuess {
 public:
  /// A step's groups, with completions.
  void note(const std::vector<Group>& groups) {
    std::map<Kind, std::pair<double, double>> step;  // tokens, completions
    for (const Group& group : groups) {
      auto& [tokens, count] = step[kind_of(group.prompt)];
      for (const Completion& completion : group.completions) {
        tokens += static_cast<double>(completion.token_ids.size());
        count += 1;
      }
    }
    for (const auto& [kind, sums] : step) {
      if (sums.second == 0) continue;
      const double mean = sums.first / sums.second;
      const auto [known, is_new] = means_.emplace(kind, mean);
      if (!is_new) known->second = (known->second + mean) / 2;
    }
  }

  /// Of all completions of a group, with its prompt; at least 1. Where the kind is new, as of the others.
  [[nodiscard]] std::int64_t tokens(const Prompt& prompt, std::int64_t group_size) const {
    double mean = 1;
    if (const auto known = means_.find(kind_of(prompt)); known != means_.end()) {
      mean = known->second;
    } else if (!means_.empty()) {
      mean = 0;
      for (const auto& [kind, value] : means_) mean += value / static_cast<double>(means_.size());
    }
    return 1 + static_cast<std::int64_t>(mean * static_cast<double>(group_size)) +
           static_cast<std::int64_t>(prompt.token_ids.size());
  }

 private:
  using Kind = std::pair<std::string, std::int64_t>;  // task, level
  static Kind kind_of(const Prompt& prompt) { return {prompt.task, prompt.level}; }

  std::map<Kind, double> means_;
};

}  // namespace reckon
