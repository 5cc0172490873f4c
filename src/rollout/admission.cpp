#include "admission.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "reckon/base/error.h"

namespace reckon {

std::int64_t CacheNeed::prompt_blocks(std::size_t prompt) {
  return KvBlocks::blocks_for(static_cast<std::int64_t>(prompt));
}

std::int64_t CacheNeed::fork_blocks(std::size_t prompt) const {
  return KvBlocks::blocks_for(sequence_tokens(prompt)) - static_cast<std::int64_t>(prompt) / KvBlocks::kBlock;
}

std::int64_t CacheNeed::blocks_to_lay_out(const SampleCapacity& capacity, const SampleOptions& options,
                                          std::int64_t bytes_per_block) const {
  const auto longest = static_cast<std::size_t>(capacity.longest_prompt);
  // A prompt and one completion must fit at the least: a shorter prompt can need a block more, where it does
  // not fill its last one.
  std::int64_t least = 0, largest_fork = 0;
  for (std::size_t prompt = longest - std::min<std::size_t>(longest - 1, KvBlocks::kBlock); prompt <= longest;
       ++prompt) {
    least = std::max(least, prompt_blocks(prompt) + fork_blocks(prompt));
    largest_fork = std::max(largest_fork, fork_blocks(prompt));
  }
  // At the most, all requests at once, or max_batch of them and the prompts of the next.
  const std::int64_t full =
      options.max_batch * (largest_fork + prompt_blocks(longest)) + 2 * prompt_blocks(longest);
  const std::int64_t wanted = std::max(least, std::min(capacity.all_blocks, full));
  if (options.kv_budget_mib == 0) return wanted;
  const std::int64_t budget = (options.kv_budget_mib << 20) / bytes_per_block;
  if (budget < least) {
    const std::int64_t needed = (least * bytes_per_block + (1 << 20) - 1) >> 20;
    throw Error(ExitCode::usage, "sampler: kv_budget_mib is " + std::to_string(options.kv_budget_mib) +
                                     " (one sequence of " + std::to_string(longest) + " + " +
                                     std::to_string(max_new_tokens_) + " tokens needs " +
                                     std::to_string(needed) + ")");
  }
  return std::min(wanted, budget);
}

void check_prompt_length(std::size_t prompt, std::int64_t max_new_tokens, std::int64_t max_positions) {
  if (prompt > 0 && static_cast<std::int64_t>(prompt) + max_new_tokens <= max_positions) return;
  throw Error(ExitCode::usage, "sampler: a prompt of " + std::to_string(prompt) +
                                   " tokens with max_new_tokens " + std::to_string(max_new_tokens) +
                                   " (need at least 1, together at most max_position_embeddings = " +
                                   std::to_string(max_positions) + ")");
}

bool is_same_prompt(const SampleRequest& a, const SampleRequest& b) {
  return a.prompt.data() == b.prompt.data() && a.prompt.size() == b.prompt.size();
}

SampleCapacity capacity_for(std::span<const SampleRequest> requests, std::int64_t max_new_tokens) {
  const CacheNeed need(max_new_tokens);
  SampleCapacity capacity{.longest_prompt = 0, .all_blocks = 0};
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const std::size_t prompt = requests[i].prompt.size();
    capacity.longest_prompt = std::max(capacity.longest_prompt, static_cast<std::int64_t>(prompt));
    if (i == 0 || !is_same_prompt(requests[i - 1], requests[i]))
      capacity.all_blocks += CacheNeed::prompt_blocks(prompt);
    capacity.all_blocks += need.fork_blocks(prompt);
  }
  return capacity;
}

bool AdmissionQueue::Before::operator()(const PromptGroup* a, const PromptGroup* b) const {
  return std::tuple(!a->is_interrupted, b->prompt.size(), a->number) <
         std::tuple(!b->is_interrupted, a->prompt.size(), b->number);
}

void AdmissionQueue::add(std::span<const std::uint32_t> prompt, std::span<SampledSequence* const> sequences) {
  PromptGroup& group = groups_[next_number_];
  group.number = next_number_++;
  group.prompt.assign(prompt.begin(), prompt.end());
  group.waiting.assign(sequences.begin(), sequences.end());
  for (SampledSequence* sequence : sequences) sequence->group = &group;
  closed_.insert(&group);
}

bool AdmissionQueue::can_open(const PromptGroup& group) const {
  // Room for one completion of any open group is left, or nothing might ever end.
  std::int64_t left = fork_blocks(group);
  for (const PromptGroup* other : open_) left = std::max(left, fork_blocks(*other));
  return cache_.free_blocks() >= CacheNeed::prompt_blocks(group.prompt.size()) + left;
}

void AdmissionQueue::open_prompts(std::size_t num_running) {
  std::size_t waiting = 0;
  for (const PromptGroup* group : open_) waiting += group->waiting.size();
  while (!closed_.empty() && (num_running + waiting < max_batch_ || waiting == 0)) {
    PromptGroup& group = **closed_.begin();
    if (!can_open(group)) return;
    closed_.erase(closed_.begin());
    group.slot = cache_.open(static_cast<std::int64_t>(group.prompt.size()));
    if (free_places_.empty()) free_places_.push_back(num_places_++);
    group.place = free_places_.back();
    free_places_.pop_back();
    waiting += group.waiting.size();
    open_.push_back(&group);
  }
}

PromptGroup* AdmissionQueue::ready_group(std::int64_t promised) {
  for (PromptGroup* group : open_) {
    if (group->waiting.empty()) continue;
    return group->is_ready() && cache_.free_blocks() - promised >= fork_blocks(*group) ? group : nullptr;
  }
  return nullptr;
}

SampledSequence* AdmissionQueue::take(PromptGroup& group) {
  SampledSequence* sequence = group.waiting.front();
  group.waiting.pop_front();
  ++group.num_running;
  return sequence;
}

void AdmissionQueue::fork_prompt(SampledSequence& sequence) {
  const PromptGroup& group = *sequence.group;
  sequence.slot = cache_.fork(group.slot, static_cast<std::int64_t>(group.prompt.size()),
                              need_.sequence_tokens(group.prompt.size()));
  sequence.num_fed = 0;
}

void AdmissionQueue::remove(SampledSequence& sequence) {
  PromptGroup& group = *sequence.group;
  sequence.group = nullptr;
  const auto place = std::find(group.waiting.begin(), group.waiting.end(), &sequence);
  if (place != group.waiting.end()) {
    group.waiting.erase(place);
  } else {
    --group.num_running;
    if (sequence.is_running()) cache_.close(sequence.slot);
    sequence.slot = -1;
  }
  if (group.waiting.empty()) closed_.erase(&group);
  forget_if_done(group);
}

void AdmissionQueue::close_exhausted() {
  std::erase_if(open_, [&](PromptGroup* group) {
    if (!group->waiting.empty()) return false;
    cache_.close(group->slot);
    free_places_.push_back(group->place);
    group->slot = -1;
    group->prompt_fed = 0;
    forget_if_done(*group);
    return true;
  });
}

void AdmissionQueue::forget_if_done(PromptGroup& group) {
  if (group.waiting.empty() && group.num_running == 0 && !group.is_open()) groups_.erase(group.number);
}

void AdmissionQueue::restart(std::span<SampledSequence* const> running) {
  closed_.clear();  // before its order changes
  open_.clear();
  free_places_.clear();
  num_places_ = 0;
  for (auto& [number, group] : groups_) {
    group.slot = -1;
    group.prompt_fed = 0;
    group.num_running = 0;
    group.is_interrupted = false;
  }
  for (auto it = running.rbegin(); it != running.rend(); ++it) {
    SampledSequence& sequence = **it;
    sequence.slot = -1;
    sequence.group->is_interrupted = true;
    sequence.group->waiting.push_front(&sequence);
  }
  for (auto& [number, group] : groups_) {
    if (!group.waiting.empty()) closed_.insert(&group);
  }
  std::erase_if(groups_, [](const auto& entry) { return entry.second.waiting.empty(); });
}

}  // namespace reckon
