#include "group_sampler.h"

#include <algorithm>
#include <utility>

#include "reckon/base/failpoint.h"
#include "reckon/reward/terms.h"

namespace reckon {

GroupSampler::GroupSampler(TrainRun& run, const StageConfig& stage, SamplingPolicy& policy)
    : run_(run),
      stage_(stage),
      policy_(policy),
      backend_(policy.engine().sampling_backend()),
      stop_(run.tokenizer(), stage.sampling.stop),
      pool_(with_lengths(stage.reward, stage.sampling.max_new_tokens), run.seed()) {}

GroupSampler::~GroupSampler() {
  pool_.discard();
}

/// Room for prompts that are somewhat longer than those that came: a cache is not laid out anew for each.
void GroupSampler::make_sampler(std::int64_t longest_prompt) {
  constexpr std::int64_t kRound = 64;
  const std::int64_t limit = run_.model.max_position_embeddings - stage_.sampling.max_new_tokens;
  longest_prompt_ = std::min((longest_prompt + kRound - 1) / kRound * kRound, limit);
  SampleOptions options = rollout_plan(run_, stage_, policy_.updates()).options;
  options.policy_version = static_cast<std::uint64_t>(policy_.updates());
  if (!stop_.empty())
    options.is_stop = [this](std::span<const std::uint32_t> ids) { return stop_.reached(ids); };
  options.on_finished = [this](std::size_t id, const Sample& sample) { finished(id, sample); };
  sampler_.reset();
  sampler_ = std::make_unique<ContinuousSampler>(*backend_, options,
                                                 SampleCapacity{.longest_prompt = longest_prompt_});
}

void GroupSampler::begin(std::int64_t number, DrawnPrompt prompt) {
  const auto length = static_cast<std::int64_t>(prompt.prompt.token_ids.size());
  if (!sampler_ || (length > longest_prompt_ && is_idle())) make_sampler(std::max(length, longest_prompt_));
  auto running = std::make_unique<Running>();
  Group& group = running->done.group;
  group.prompt = std::move(prompt.prompt);
  group.visit = prompt.problem.visit;
  group.group_id = static_cast<std::uint64_t>(number);
  running->done.oldest_step = policy_.step();
  running->task = prompt.problem.source->task.get();
  running->left = stage_.grpo.group_size;
  std::vector<SampleRequest> requests;
  group.completions.assign(static_cast<std::size_t>(stage_.grpo.group_size), {});
  for (std::uint32_t i = 0; i < group.completions.size(); ++i) {
    Completion& completion = group.completions[i];
    completion.prompt_id = group.prompt.id;
    completion.group_id = group.group_id;
    completion.sample_index = i;
    requests.push_back({.prompt = group.prompt.token_ids,
                        .key = {run_.seed(), stage_key(stage_.name), group.prompt.id,
                                static_cast<std::uint32_t>(group.visit), i}});
  }
  const std::uint64_t first = sampler_->add(requests);
  for (std::uint32_t i = 0; i < requests.size(); ++i) {
    samples_[first + i] = {running.get(), i};
    running->ids.push_back(first + i);
  }
  running_[number] = std::move(running);
}

void GroupSampler::finished(std::uint64_t id, const Sample& sample) {
  const auto found = samples_.find(id);
  auto [running, index] = found->second;
  samples_.erase(found);
  std::erase(running->ids, id);
  Group& group = running->done.group;
  Completion& completion = group.completions[index];
  record_sample(sample, run_.tokenizer(), completion);
  failpoint("rollout.completion");
  pool_.grade(*running->task, group, completion);
  if (--running->left == 0) complete_.push_back(static_cast<std::int64_t>(group.group_id));
}

std::vector<GroupSampler::Done> GroupSampler::step() {
  complete_.clear();
  sampler_->step();
  std::vector<Done> done;
  if (complete_.empty()) return done;
  pool_.wait();  // most were graded while the last ones were sampled
  for (const std::int64_t number : complete_) {
    const auto found = running_.find(number);
    done.push_back(std::move(found->second->done));
    running_.erase(found);
  }
  return done;
}

void GroupSampler::weights_changed() {
  if (!sampler_) return;
  if (is_idle()) {
    make_sampler(longest_prompt_);
  } else {
    sampler_->weights_changed(static_cast<std::uint64_t>(policy_.updates()));
  }
}

std::vector<std::int64_t> GroupSampler::give_up_before(std::int64_t step) {
  std::vector<std::int64_t> given_up;
  for (auto it = running_.begin(); it != running_.end();) {
    Running& running = *it->second;
    if (running.done.oldest_step >= step) {
      ++it;
      continue;
    }
    for (const std::uint64_t id : running.ids) {
      static_cast<void>(sampler_->take(id));
      samples_.erase(id);
    }
    pool_.wait();
    given_up.push_back(it->first);
    it = running_.erase(it);
  }
  return given_up;
}

}  // namespace reckon
