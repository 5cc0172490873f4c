#include "admission.h"

#include <algorithm>
#include <string>

#include "reckon/base/error.h"

namespace reckon {
namespace {

bool same_prompt(const SampleRequest& a, const SampleRequest& b) {
  return a.prompt.data() == b.prompt.data() && a.prompt.size() == b.prompt.size();
}

void check_lengths(std::span<const SampleRequest> requests, std::int64_t max_new_tokens, std::int64_t limit) {
  for (const SampleRequest& request : requests) {
    const std::int64_t longest = static_cast<std::int64_t>(request.prompt.size()) + max_new_tokens;
    if (!request.prompt.empty() && longest <= limit) continue;
    throw Error(ExitCode::usage, "sampler: a prompt of " + std::to_string(request.prompt.size()) +
                                     " tokens with max_new_tokens " + std::to_string(max_new_tokens) +
                                     " (need at least 1, together at most max_position_embeddings = " +
                                     std::to_string(limit) + ")");
  }
}

std::vector<PromptGroup> groups_of(std::span<const SampleRequest> requests) {
  std::vector<PromptGroup> groups;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (i > 0 && same_prompt(requests[i - 1], requests[i])) {
      ++groups.back().count;
      continue;
    }
    PromptGroup group;
    group.first_request = i;
    group.count = 1;
    group.prompt = requests[i].prompt;
    groups.push_back(std::move(group));
  }
  std::stable_sort(groups.begin(), groups.end(), [](const PromptGroup& a, const PromptGroup& b) {
    return a.prompt.size() > b.prompt.size();
  });
  return groups;
}

}  // namespace

AdmissionQueue::AdmissionQueue(SamplingBackend& backend, std::span<const SampleRequest> requests,
                               const SampleOptions& options)
    : options_(options), cache_(backend.cache()) {
  check_lengths(requests, options.max_new_tokens, backend.config().max_position_embeddings);
  groups_ = groups_of(requests);
  backend.reset_cache(blocks_to_lay_out(backend.bytes_per_block()));
}

/// Blocks of a prompt and a completion behind it, whose last token is never fed.
std::int64_t AdmissionQueue::sequence_blocks(std::size_t prompt_length) const {
  return KvBlocks::blocks_for(static_cast<std::int64_t>(prompt_length) + options_.max_new_tokens - 1);
}

std::int64_t AdmissionQueue::fork_blocks(const PromptGroup& group) const {
  return sequence_blocks(group.prompt.size()) -
         static_cast<std::int64_t>(group.prompt.size()) / KvBlocks::kBlock;
}

std::int64_t AdmissionQueue::blocks_to_lay_out(std::int64_t bytes_per_block) const {
  if (groups_.empty()) return 0;
  // A prompt and one completion must fit at the least; at the most, all requests at once, or max_batch of
  // them.
  std::int64_t least = 0, all = 0, largest_fork = 0, largest_prompt = 0;
  for (const PromptGroup& group : groups_) {
    const std::int64_t prompt = KvBlocks::blocks_for(static_cast<std::int64_t>(group.prompt.size()));
    least = std::max(least, prompt + fork_blocks(group));
    all += prompt + static_cast<std::int64_t>(group.count) * fork_blocks(group);
    largest_fork = std::max(largest_fork, fork_blocks(group));
    largest_prompt = std::max(largest_prompt, prompt);
  }
  const std::int64_t full = options_.max_batch * (largest_fork + largest_prompt) + 2 * largest_prompt;
  const std::int64_t wanted = std::max(least, std::min(all, full));
  if (options_.kv_budget_mib == 0) return wanted;
  const std::int64_t budget = (options_.kv_budget_mib << 20) / bytes_per_block;
  if (budget < least) {
    const std::int64_t needed = (least * bytes_per_block + (1 << 20) - 1) >> 20;
    throw Error(ExitCode::usage, "sampler: kv_budget_mib is " + std::to_string(options_.kv_budget_mib) +
                                     " (one sequence of " + std::to_string(groups_.front().prompt.size()) +
                                     " + " + std::to_string(options_.max_new_tokens) + " tokens needs " +
                                     std::to_string(needed) + ")");
  }
  return std::min(wanted, budget);
}

void AdmissionQueue::open_prompts(std::size_t num_active) {
  std::size_t waiting = 0;
  for (const PromptGroup& group : open_groups()) waiting += group.count - group.next_sample;
  while (end_open_ < groups_.size()) {
    PromptGroup& group = groups_[end_open_];
    const bool is_needed =
        num_active + waiting < static_cast<std::size_t>(options_.max_batch) || waiting == 0;
    const std::int64_t prompt_blocks = KvBlocks::blocks_for(static_cast<std::int64_t>(group.prompt.size()));
    // Room for one completion of any open group is left, or nothing might ever end.
    const std::int64_t left = fork_blocks(first_open_ < end_open_ ? groups_[first_open_] : group);
    if (!is_needed || cache_.free_blocks() < prompt_blocks + std::max(left, fork_blocks(group))) return;
    group.slot = cache_.open(static_cast<std::int64_t>(group.prompt.size()));
    if (free_places_.empty()) free_places_.push_back(num_places_++);
    group.place = free_places_.back();
    free_places_.pop_back();
    waiting += group.count;
    ++end_open_;
  }
}

std::span<PromptGroup> AdmissionQueue::open_groups() {
  return std::span(groups_).subspan(first_open_, end_open_ - first_open_);
}

PromptGroup* AdmissionQueue::ready_group(std::int64_t promised) {
  for (PromptGroup& group : open_groups()) {
    if (group.is_exhausted()) continue;
    return group.is_ready() && cache_.free_blocks() - promised >= fork_blocks(group) ? &group : nullptr;
  }
  return nullptr;
}

std::size_t AdmissionQueue::take(PromptGroup& group) {
  return group.first_request + group.next_sample++;
}

std::int32_t AdmissionQueue::fork_prompt(const PromptGroup& group) {
  const auto length = static_cast<std::int64_t>(group.prompt.size());
  return cache_.fork(group.slot, length, length + options_.max_new_tokens - 1);
}

void AdmissionQueue::close_exhausted() {
  while (first_open_ < end_open_ && groups_[first_open_].is_exhausted()) {
    cache_.close(groups_[first_open_].slot);
    free_places_.push_back(groups_[first_open_].place);
    ++first_open_;
  }
}

}  // namespace reckon
