#include "reckon/rollout/rollout.h"

#include <utility>

namespace reckon {

void sample_groups(Sampler& sampler, const Tokenizer& tokenizer, const RolloutPlan& plan,
                   std::vector<Group>& groups) {
  const std::uint32_t stage = stage_key(plan.stage);
  std::vector<SampleRequest> requests;
  for (const Group& group : groups) {
    for (std::int64_t i = 0; i < plan.group_size; ++i) {
      requests.push_back({group.prompt.token_ids,
                          {plan.seed, stage, group.prompt.id, static_cast<std::uint32_t>(group.visit),
                           static_cast<std::uint32_t>(i)}});
    }
  }
  std::vector<Sample> samples = sampler.generate(requests, plan.options);
  std::size_t next = 0;
  for (Group& group : groups) {
    group.completions.clear();
    for (std::int64_t i = 0; i < plan.group_size; ++i) {
      Sample& sample = samples[next++];
      Completion completion;
      completion.prompt_id = group.prompt.id;
      completion.group_id = group.group_id;
      completion.sample_index = static_cast<std::uint32_t>(i);
      completion.policy_version = plan.policy_version;
      completion.finish_reason = sample.finish_reason;
      std::span<const std::uint32_t> ids = sample.token_ids;
      if (sample.finish_reason == FinishReason::eos) ids = ids.first(ids.size() - 1);
      completion.text = tokenizer.decode(ids);
      completion.token_ids = std::move(sample.token_ids);
      completion.sampler_logprob = std::move(sample.logprob);
      group.completions.push_back(std::move(completion));
    }
  }
}

}  // namespace reckon
