#include "reckon/reward/reward.h"

#include <algorithm>

#include "reckon/base/philox.h"
#include "reckon/grade/format.h"
#include "reckon/reward/terms.h"

namespace reckon {
namespace {

constexpr std::uint64_t kRandomRewardStream =
    0x72616E646F6Du;  // keeps these coins apart from other uses of the seed

/// What the terms of one completion are computed from.
struct TermInput {
  const RewardConfig& config;
  const AnswerConfig& answer;
  const Completion& completion;
  const std::string& text;  ///< graded_text()
  double coin;
  double credit;  ///< what the answer pays: 1 or 0, but for a user's program, which may pay a part

  [[nodiscard]] bool right() const { return completion.verdict == Verdict::right; }
  [[nodiscard]] bool ended() const { return completion.finish_reason != FinishReason::length; }
  [[nodiscard]] std::int64_t tokens() const { return static_cast<std::int64_t>(completion.token_ids.size()); }
};

struct Term {
  const char* name;
  double RewardConfig::*weight;
  bool always_logged;
  double (*value)(const TermInput&);
};

/// In the order of RewardConfig, which is that of columns and sums.
constexpr Term kTerms[] = {
    {"accuracy", &RewardConfig::accuracy, true, [](const TermInput& in) { return in.credit; }},
    {"format", &RewardConfig::format, true,
     [](const TermInput& in) { return in.ended() && well_formed(in.text, in.answer) ? 1.0 : 0.0; }},
    {"format_strict", &RewardConfig::format_strict, false,
     [](const TermInput& in) { return in.ended() && strict_format(in.text) ? 1.0 : 0.0; }},
    {"format_think", &RewardConfig::format_think, false,
     [](const TermInput& in) { return in.ended() && think_format(in.text) ? 1.0 : 0.0; }},
    {"format_soft", &RewardConfig::format_soft, false,
     [](const TermInput& in) { return in.ended() ? tag_count_format(in.text) : 0.0; }},
    {"random", &RewardConfig::random, false, [](const TermInput& in) { return in.coin; }},
    {"language_consistency", &RewardConfig::language_consistency, false,
     [](const TermInput& in) { return script_share(in.text, in.config.language); }},
    {"length_cosine", &RewardConfig::length_cosine, false,
     [](const TermInput& in) { return length_cosine(in.config, in.right(), !in.ended(), in.tokens()); }},
    {"length_exact", &RewardConfig::length_exact, false,
     [](const TermInput& in) {
       return length_exact(in.config.length_alpha, in.config.target_tokens, in.tokens());
     }},
    {"length_max", &RewardConfig::length_max, false,
     [](const TermInput& in) {
       return length_max(in.config.length_alpha, in.config.length_delta, in.right(), in.config.target_tokens,
                         in.tokens());
     }},
    {"overlong", &RewardConfig::overlong, false,
     [](const TermInput& in) {
       return overlong(in.config.overlong_tokens, in.config.overlong_cache, in.tokens());
     }},
    {"repetition", &RewardConfig::repetition, false,
     [](const TermInput& in) { return repetition(in.text, in.config.repetition_ngram); }},
};

bool is_logged(const Term& term, const RewardConfig& config) {
  return term.always_logged || config.*term.weight != 0.0;
}

double coin(std::uint64_t seed, const Group& group, const Completion& completion) {
  RandomStream random(mix64(seed, kRandomRewardStream, group.prompt.id, group.visit),
                      completion.sample_index);
  return static_cast<double>(random.below(2));
}

}  // namespace

std::vector<std::string> reward_term_names(const RewardConfig& config) {
  std::vector<std::string> names;
  for (const Term& term : kTerms) {
    if (is_logged(term, config)) names.emplace_back(term.name);
  }
  return names;
}

void grade_completion_of(const Group& group, const Task& task, const RewardConfig& config, std::uint64_t seed,
                         Completion& completion) {
  const std::string text = graded_text(group.prompt, completion);
  const Extracted extracted = extract_answer(text, task.answer_form(), task.longest_answer());
  const bool ended = completion.finish_reason != FinishReason::length;
  const Graded graded = ended ? graded_extracted(task, group.prompt.spec, extracted, text) : Graded{};
  completion.grade = graded.grade;
  completion.verdict = verdict_of(completion.grade);
  completion.several_answers = extracted.several;
  completion.reward_terms.clear();
  completion.reward = 0.0f;
  const bool failed = completion.verdict == Verdict::grader_failed;
  const TermInput input{config,       task.answer_form(), completion, text, coin(seed, group, completion),
                        graded.credit};
  double sum = 0;
  for (const Term& term : kTerms) {
    if (!is_logged(term, config)) continue;
    const double value = failed ? 0.0 : term.value(input);
    completion.reward_terms.push_back(static_cast<float>(value));
    sum += config.*term.weight * value;
  }
  if (!failed)
    completion.reward = static_cast<float>(std::min(std::max(sum, config.clip_low), config.clip_high));
}

void grade_group(const Task& task, const RewardConfig& config, std::uint64_t seed, Group& group) {
  for (Completion& completion : group.completions) grade_completion_of(group, task, config, seed, completion);
}

}  // namespace reckon
