#include "groups.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <set>

#include "compare.h"
#include "reckon/base/error.h"
#include "reckon/learn/advantage.h"
#include "reckon/record/batch_hash.h"
#include "reckon/reward/reward.h"

namespace reckon {
namespace {

constexpr std::size_t kDigits = 8;  // that the chain has of each group's hash

std::string number_text(float value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return text;
}

/// Weights by the names of their terms.
struct WeightVisitor {
  std::vector<std::pair<std::string, double>> weights;
  void operator()(std::string_view name, double& weight, const Bounds&, std::string_view) {
    weights.emplace_back(name, weight);
  }
};

/// In the order of a log's columns.
std::vector<double> weights_of(RewardConfig config) {
  WeightVisitor all;
  describe_weights(all, config);
  std::vector<double> weights;
  for (const std::string& term : reward_term_names(config)) {
    for (const auto& [name, weight] : all.weights) {
      if (name == term) weights.push_back(weight);
    }
  }
  return weights;
}

/// A group with the file that it lies in.
struct PlacedGroup {
  const Group* group = nullptr;
  const LoggedStep::Part* part = nullptr;
  std::string hash;
};

class StepCheck {
 public:
  StepCheck(const LoggedStep& step, const StepContext& context, Check& check)
      : step_(step), context_(context), check_(check), where_("step " + std::to_string(step.number)) {
    for (const LoggedStep::Part& part : step.parts) {
      const RolloutBatch& batch = part.step.batch;
      for (const Group& group : batch.groups) {
        groups_.push_back({&group, &part, group_sha256(group, batch.temperature)});
      }
    }
    std::ranges::stable_sort(groups_, {}, [](const PlacedGroup& placed) { return placed.group->place(); });
  }

  void run() {
    for (const LoggedStep::Part& part : step_.parts) check_part(part);
    check_numbers();
    if (context_.event != nullptr) compare_hashes();
    for (const PlacedGroup& placed : groups_) check_content(placed);
  }

 private:
  void fail(const LoggedStep::Part& part, const std::string& what) {
    check_.fail(where_ + what + " (" + part.file + ")");
  }

  /// What a file says of itself and of the weights.
  void check_part(const LoggedStep::Part& part) {
    const RolloutBatch& batch = part.step.batch;
    const StepHashes& hashes = part.step.hashes;
    if (batch_sha256(batch) != hashes.batch_sha256)
      fail(part, ": its completions are not what their batch_sha256 says");
    for (std::size_t i = 1; i < batch.groups.size(); ++i) {
      if (batch.groups[i - 1].place() >= batch.groups[i].place())
        fail(part, ": group " + std::to_string(batch.groups[i].group_id) + " comes after group " +
                       std::to_string(batch.groups[i - 1].group_id));
    }
    if (context_.config != nullptr && !batch.groups.empty()) {
      if (batch.temperature != static_cast<float>(context_.config->sampling.temperature))
        fail(part, ": temperature is " + number_text(batch.temperature) + ", and the recipe says " +
                       number_text(static_cast<float>(context_.config->sampling.temperature)));
      if (batch.reward_term_names != reward_term_names(context_.config->reward))
        fail(part, ": its reward terms are not those of the recipe");
    }
    if (context_.event == nullptr) return;
    for (const auto& [name, value] : {std::pair("weights_before", &hashes.weights_before_sha256),
                                      {"weights_after", &hashes.weights_after_sha256}}) {
      if (*value != context_.event->text(name))
        fail(part, std::string(": ") + name + " is " + short_hash(*value) + ", and the chain says " +
                       short_hash(context_.event->text(name)));
    }
  }

  /// Every group once, and as many as the recipe says.
  void check_numbers() {
    for (std::size_t i = 1; i < groups_.size(); ++i) {
      if (groups_[i].group->place() == groups_[i - 1].group->place())
        fail(*groups_[i].part, ", group " + std::to_string(groups_[i].group->group_id) + ": stands twice");
    }
    if (context_.config == nullptr) return;
    const auto expected = static_cast<std::size_t>(context_.config->grpo.prompts_per_step);
    if (groups_.size() != expected)
      check_.fail(where_ + ": has " + counted(groups_.size(), "group") + ", and the recipe says " +
                  std::to_string(expected));
  }

  void compare_hashes() {
    const std::string digits = context_.event->text("groups");
    std::vector<std::string> hashes;
    for (const PlacedGroup& placed : groups_) hashes.push_back(placed.hash);
    if (rollouts_sha256(hashes) == context_.event->text("rollouts")) {
      std::string own;
      for (const std::string& hash : hashes) own += hash.substr(0, kDigits);
      if (own != digits) check_.fail(where_ + ": \"groups\" of the chain are not those of its \"rollouts\"");
      return;
    }
    if (digits.size() != kDigits * groups_.size()) return name_strangers(digits);
    bool named = false;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      const std::string expected = digits.substr(i * kDigits, kDigits);
      if (hashes[i].starts_with(expected)) continue;
      named = true;
      fail(*groups_[i].part, ", group " + std::to_string(groups_[i].group->group_id) +
                                 ": is not the group that the run had; its SHA-256 begins with " +
                                 hashes[i].substr(0, kDigits) + ", the chain says " + expected);
    }
    if (!named)
      check_.fail(where_ + ": its groups together are not those that the chain has as \"rollouts\"");
  }

  /// Groups that only the files or only the chain has.
  void name_strangers(const std::string& digits) {
    check_.fail(where_ + ": has " + counted(groups_.size(), "group") + ", and the chain " +
                std::to_string(digits.size() / kDigits));
    std::set<std::string> known, found;
    for (std::size_t i = 0; i + kDigits <= digits.size(); i += kDigits)
      known.insert(digits.substr(i, kDigits));
    for (const PlacedGroup& placed : groups_) {
      found.insert(placed.hash.substr(0, kDigits));
      if (!known.contains(placed.hash.substr(0, kDigits)))
        fail(*placed.part,
             ", group " + std::to_string(placed.group->group_id) + ": is none that the chain has");
    }
    for (std::size_t i = 0; i + kDigits <= digits.size(); i += kDigits) {
      const std::string hash = digits.substr(i, kDigits);
      if (!found.contains(hash))
        check_.fail(where_ + ": the group at place " + std::to_string(i / kDigits + 1) + " of " +
                    std::to_string(digits.size() / kDigits) + " is missing: one whose SHA-256 begins with " +
                    hash);
    }
  }

  /// What a group says of itself.
  void check_content(const PlacedGroup& placed) {
    const Group& group = *placed.group;
    const std::string name = ", group " + std::to_string(group.group_id);
    if (context_.config != nullptr &&
        static_cast<std::int64_t>(group.completions.size()) != context_.config->grpo.group_size)
      fail(*placed.part, name + ": has " + counted(group.completions.size(), "completion") +
                             ", and the recipe says " + std::to_string(context_.config->grpo.group_size));
    bool rewards_fit = true;
    for (std::size_t i = 0; i < group.completions.size(); ++i) {
      const Completion& completion = group.completions[i];
      const std::string problem = completion_problem(completion, i);
      if (!problem.empty()) fail(*placed.part, ", " + completion_name(completion) + ": " + problem);
      const std::string reward = reward_problem(completion);
      if (!reward.empty()) fail(*placed.part, ", " + completion_name(completion) + ": " + reward);
      rewards_fit = rewards_fit && reward.empty();
      if (context_.tokenizer == nullptr) continue;
      if (const Difference text = compare_text(completion, *context_.tokenizer))
        fail(*placed.part, ", " + *text);
    }
    if (rewards_fit && context_.config != nullptr) check_advantages(placed);
  }

  std::string completion_problem(const Completion& completion, std::size_t place) const {
    if (completion.sample_index != place) return "stands at place " + std::to_string(place) + " of its group";
    const auto tokens = static_cast<std::int64_t>(completion.token_ids.size());
    if (context_.config != nullptr) {
      const std::int64_t most = context_.config->sampling.max_new_tokens;
      if (tokens > most || (completion.finish_reason == FinishReason::length && tokens != most))
        return "has " + std::to_string(tokens) + " tokens and ended by " +
               std::string(enum_name(completion.finish_reason)) + ", and the recipe allows " +
               std::to_string(most);
    }
    constexpr float kRounding = 1e-3f;  // the log of a probability, computed in whatever precision
    for (std::size_t i = 0; i < completion.sampler_logprob.size(); ++i) {
      const float logprob = completion.sampler_logprob[i];
      if (!(logprob <= kRounding) || std::isinf(logprob))
        return "token " + std::to_string(i) + " has the log-prob " + number_text(logprob);
    }
    if (completion.verdict != verdict_of(completion.grade))
      return "the verdict is " + std::string(enum_name(completion.verdict)) + ", and the grade " +
             std::string(enum_name(completion.grade)) + " makes it " +
             std::string(enum_name(verdict_of(completion.grade)));
    return "";
  }

  /// The reward is the weighted sum of its terms, which the log has as float32.
  std::string reward_problem(const Completion& completion) {
    if (context_.config == nullptr) return "";
    const RewardConfig& config = context_.config->reward;
    if (weights_.empty()) weights_ = weights_of(config);
    if (completion.reward_terms.size() != weights_.size()) return "its reward has another number of terms";
    double sum = 0, size = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const double part = weights_[i] * static_cast<double>(completion.reward_terms[i]);
      sum += part;
      size += std::abs(part);
    }
    sum = std::min(std::max(sum, config.clip_low), config.clip_high);
    if (completion.verdict == Verdict::grader_failed) sum = size = 0;
    // Each term and the sum were rounded to float32: 2^-24 of each, twice that for the sums between.
    const double bound = std::ldexp(size + std::abs(sum), -22);
    if (std::abs(static_cast<double>(completion.reward) - sum) <= bound) return "";
    return "the reward is " + number_text(completion.reward) + ", and its terms make " +
           number_text(static_cast<float>(sum));
  }

  void check_advantages(const PlacedGroup& placed) {
    std::vector<float> rewards;
    std::vector<Verdict> verdicts;
    for (const Completion& completion : placed.group->completions) {
      if (!std::isfinite(completion.reward)) return;  // its terms said so
      rewards.push_back(completion.reward);
      verdicts.push_back(completion.verdict);
    }
    const std::vector<float> again =
        group_advantages(rewards, verdicts, context_.config->grpo.advantage_scale).advantage;
    for (std::size_t i = 0; i < again.size(); ++i) {
      const Completion& completion = placed.group->completions[i];
      if (std::bit_cast<std::uint32_t>(again[i]) == std::bit_cast<std::uint32_t>(completion.advantage))
        continue;
      // Where one reward was changed, all advantages are others: the first is enough.
      fail(*placed.part, ", " + completion_name(completion) + ": the advantage is " +
                             number_text(completion.advantage) + ", and the group's rewards make " +
                             number_text(again[i]));
      return;
    }
  }

  const LoggedStep& step_;
  const StepContext& context_;
  Check& check_;
  std::string where_;
  std::vector<PlacedGroup> groups_;
  std::vector<double> weights_;
};

}  // namespace

void check_step(const LoggedStep& step, const StepContext& context, Check& check) {
  StepCheck(step, context, check).run();
}

}  // namespace reckon
