#include "reckon/rollout/rollout.h"

#include <utility>

#include "reckon/base/failpoint.h"
#include "reckon/rollout/stop_strings.h"

namespace reckon {

std::string completion_text(std::span<const std::uint32_t> token_ids, FinishReason finish_reason,
                            const Tokenizer& tokenizer) {
  return tokenizer.decode(finish_reason == FinishReason::eos ? token_ids.first(token_ids.size() - 1)
                                                             : token_ids);
}

void record_sample(const Sample& sample, const Tokenizer& tokenizer, Completion& completion) {
  completion.finish_reason = sample.finish_reason;
  completion.text = completion_text(sample.token_ids, sample.finish_reason, tokenizer);
  completion.token_ids = sample.token_ids;
  completion.sampler_logprob = sample.logprob;
  completion.versions = sample.versions;
  if (!sample.versions.empty()) completion.policy_version = sample.versions.front().version;
}

void sample_groups(Sampler& sampler, const Tokenizer& tokenizer, const RolloutPlan& plan,
                   std::vector<Group>& groups) {
  const std::uint32_t stage = stage_key(plan.stage);
  const auto group_size = static_cast<std::size_t>(plan.group_size);
  std::vector<SampleRequest> requests;
  for (Group& group : groups) {
    // All at once: a completion that is being graded must not move when the next one ends.
    group.completions.assign(group_size, {});
    for (std::uint32_t i = 0; i < group_size; ++i) {
      Completion& completion = group.completions[i];
      completion.prompt_id = group.prompt.id;
      completion.group_id = group.group_id;
      completion.sample_index = i;
      requests.push_back({group.prompt.token_ids,
                          {plan.seed, stage, group.prompt.id, static_cast<std::uint32_t>(group.visit), i}});
    }
  }
  SampleOptions options = plan.options;
  options.policy_version = plan.policy_version;
  const StopStrings stop(tokenizer, plan.stop);
  if (!stop.empty()) options.is_stop = [&](std::span<const std::uint32_t> ids) { return stop.reached(ids); };
  options.on_finished = [&](std::size_t request, const Sample& sample) {
    const std::size_t group = request / group_size;
    Completion& completion = groups[group].completions[request % group_size];
    record_sample(sample, tokenizer, completion);
    failpoint("rollout.completion");
    if (plan.on_completion) plan.on_completion(group, completion);
  };
  sampler.generate(requests, options);
}

}  // namespace reckon
