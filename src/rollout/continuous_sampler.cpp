#include "reckon/rollout/continuous_sampler.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "admission.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

// Tokens of prompts and of completions that were begun before that go through the model in one step, beside
// the sequences that decode.
constexpr std::size_t kPromptRows = 512;

std::int64_t lay_cache_out(SamplingBackend& backend, const SampleOptions& options,
                           const SampleCapacity& capacity) {
  check_prompt_length(static_cast<std::size_t>(capacity.longest_prompt), options.max_new_tokens,
                      backend.config().max_position_embeddings);
  const std::int64_t blocks =
      CacheNeed(options.max_new_tokens).blocks_to_lay_out(capacity, options, backend.bytes_per_block());
  backend.reset_cache(blocks);
  return blocks;
}

bool is_one_of(const std::vector<std::int64_t>& eos_token_ids, std::uint32_t token_id) {
  return std::ranges::find(eos_token_ids, static_cast<std::int64_t>(token_id)) != eos_token_ids.end();
}

}  // namespace

ContinuousSampler::ContinuousSampler(SamplingBackend& backend, SampleOptions options,
                                     const SampleCapacity& capacity)
    : backend_(backend),
      options_(std::move(options)),
      longest_prompt_(capacity.longest_prompt),
      num_blocks_(lay_cache_out(backend_, options_, capacity)),
      version_(options_.policy_version),
      queue_(
          std::make_unique<AdmissionQueue>(backend_.cache(), options_.max_new_tokens, options_.max_batch)) {
  running_.reserve(static_cast<std::size_t>(options_.max_batch));
}

ContinuousSampler::~ContinuousSampler() = default;

void ContinuousSampler::check(const SampleRequest& request) const {
  check_prompt_length(request.prompt.size(), options_.max_new_tokens,
                      backend_.config().max_position_embeddings);
  if (static_cast<std::int64_t>(request.prompt.size()) > longest_prompt_) {
    throw Error(ExitCode::usage, "sampler: a prompt of " + std::to_string(request.prompt.size()) +
                                     " tokens (the cache was laid out for at most " +
                                     std::to_string(longest_prompt_) + ")");
  }
  const Sample& so_far = request.so_far;
  const auto reject = [](const std::string& what) {
    throw Error(ExitCode::bad_data, "sampler: a completion cannot go on: " + what);
  };
  if (so_far.token_ids.size() != so_far.logprob.size()) {
    reject(std::to_string(so_far.token_ids.size()) + " tokens with " + std::to_string(so_far.logprob.size()) +
           " log-probs");
  }
  const std::string problem = version_runs_problem(so_far.versions, so_far.token_ids.size());
  if (!problem.empty()) reject(problem);
  if (so_far.token_ids.empty()) return;
  if (static_cast<std::int64_t>(so_far.token_ids.size()) >= options_.max_new_tokens ||
      is_one_of(backend_.config().eos_token_ids, so_far.token_ids.back())) {
    reject("it has ended after " + std::to_string(so_far.token_ids.size()) + " tokens (max_new_tokens is " +
           std::to_string(options_.max_new_tokens) + ")");
  }
  if (so_far.versions.back().version > version_) {
    reject("its last tokens are of version " + std::to_string(so_far.versions.back().version) +
           " (need at most that of the weights, " + std::to_string(version_) + ")");
  }
}

std::uint64_t ContinuousSampler::add(std::span<const SampleRequest> requests) {
  for (const SampleRequest& request : requests) check(request);
  const std::uint64_t first_id = next_id_;
  for (std::size_t begin = 0; begin < requests.size();) {
    std::vector<SampledSequence*> group;
    std::size_t end = begin;
    for (; end < requests.size() && (end == begin || is_same_prompt(requests[end - 1], requests[end]));
         ++end) {
      auto& sequence = sequences_[next_id_];
      sequence = std::make_unique<SampledSequence>();
      sequence->id = next_id_++;
      sequence->key = requests[end].key;
      sequence->sample = requests[end].so_far;
      group.push_back(sequence.get());
    }
    queue_->add(requests[begin].prompt, group);
    begin = end;
  }
  return first_id;
}

void ContinuousSampler::step() {
  queue_->open_prompts(running_.size());
  admit();
  rows_.clear();
  add_running_rows();
  if (rows_.size() > 0) {
    backend_.forward(rows_);
    for (PromptGroup* group : queue_->open_groups()) {
      if (std::exchange(group->ends_in_step, false))
        backend_.keep(static_cast<std::int64_t>(group->last_row), group->place);
    }
    choose_next_tokens();
  }
  queue_->close_exhausted();
  tell_finished();
}

/// Makes sequences run that wait and have room. Those that are new get their first token, from the kept row
/// of their prompt; the others have rows of their own to go through the model.
void ContinuousSampler::admit() {
  for (;;) {
    take_ready();
    if (admitted_.empty()) return;
    choose();
    for (std::size_t i = 0; i < chosen_.size(); ++i) {
      if (!add_token(*chosen_[i], tokens_[i])) queue_->remove(*chosen_[i]);  // it leaves room for another
    }
    for (SampledSequence* sequence : admitted_) {
      if (sequence->group == nullptr) continue;
      queue_->fork_prompt(*sequence);
      running_.push_back(sequence);
    }
  }
}

/// Takes sequences from the queue as long as there is room for them, were they all to go on.
void ContinuousSampler::take_ready() {
  admitted_.clear();
  chosen_.clear();
  choices_.clear();
  std::int64_t promised = 0;
  while (running_.size() + admitted_.size() < static_cast<std::size_t>(options_.max_batch)) {
    PromptGroup* group = queue_->ready_group(promised);
    if (group == nullptr) return;
    promised += queue_->fork_blocks(*group);
    SampledSequence& sequence = *queue_->take(*group);
    admitted_.push_back(&sequence);
    if (!sequence.sample.token_ids.empty()) continue;
    const auto most = static_cast<std::size_t>(options_.max_new_tokens);
    sequence.sample.token_ids.reserve(most);
    sequence.sample.logprob.reserve(most);
    add_choice(sequence, group->place, true);
  }
}

/// First the next token of every sequence that decodes: one row each, which the head takes together. Then
/// rows of those whose keys and values are not there yet.
void ContinuousSampler::add_running_rows() {
  const auto add = [&](SampledSequence& sequence, std::size_t count) {
    const std::size_t prompt = sequence.group->prompt.size();
    for (; count > 0; --count, ++sequence.num_fed) {
      sequence.last_row = rows_.size();
      rows_.add(sequence.sample.token_ids[sequence.num_fed], sequence.slot,
                static_cast<std::int32_t>(prompt + sequence.num_fed));
    }
    sequence.has_last_row = sequence.num_to_feed() == 0;
  };
  for (SampledSequence* sequence : running_) {
    sequence->has_last_row = false;
    if (sequence->num_to_feed() == 1) add(*sequence, 1);
  }
  std::size_t room = kPromptRows;
  for (SampledSequence* sequence : running_) {
    const std::size_t count = std::min(room, sequence->num_to_feed());
    if (sequence->has_last_row || count == 0) continue;
    add(*sequence, count);
    room -= count;
  }
  add_prompt_rows(room);
}

/// Rows of prompts that are not computed yet, in order.
void ContinuousSampler::add_prompt_rows(std::size_t room) {
  for (PromptGroup* group : queue_->open_groups()) {
    for (; !group->is_ready() && room > 0; --room) {
      group->last_row = rows_.size();
      rows_.add(group->prompt[group->prompt_fed], group->slot, static_cast<std::int32_t>(group->prompt_fed));
      ++group->prompt_fed;
      group->ends_in_step = group->is_ready();
    }
  }
}

/// The next tokens of the sequences whose last token was in the pass; those that end leave.
void ContinuousSampler::choose_next_tokens() {
  chosen_.clear();
  choices_.clear();
  for (SampledSequence* sequence : running_) {
    if (sequence->has_last_row) add_choice(*sequence, static_cast<std::int64_t>(sequence->last_row), false);
  }
  choose();
  for (std::size_t i = 0; i < chosen_.size(); ++i) {
    if (!add_token(*chosen_[i], tokens_[i])) queue_->remove(*chosen_[i]);
  }
  std::erase_if(running_, [](const SampledSequence* sequence) { return sequence->group == nullptr; });
}

void ContinuousSampler::add_choice(SampledSequence& sequence, std::int64_t row, bool kept) {
  chosen_.push_back(&sequence);
  choices_.push_back({row, kept, sequence.key, static_cast<std::uint32_t>(sequence.sample.token_ids.size())});
}

void ContinuousSampler::choose() {
  tokens_.resize(choices_.size());
  if (!choices_.empty()) backend_.choose(choices_, options_.temperature, options_.decoding, tokens_);
}

/// Adds a token to the sequence's sample. \return whether the sample goes on
bool ContinuousSampler::add_token(SampledSequence& sequence, const SampledToken& chosen) {
  Sample& sample = sequence.sample;
  if (sample.versions.empty() || sample.versions.back().version != version_)
    sample.versions.push_back({sample.token_ids.size(), version_});
  sample.token_ids.push_back(chosen.token_id);
  sample.logprob.push_back(chosen.logprob);
  if (options_.on_token) options_.on_token(sequence.id, chosen.token_id);
  if (is_one_of(backend_.config().eos_token_ids, chosen.token_id)) {
    sample.finish_reason = FinishReason::eos;
  } else if (options_.is_stop && options_.is_stop(sample.token_ids)) {
    sample.finish_reason = FinishReason::stop;
  } else if (static_cast<std::int64_t>(sample.token_ids.size()) >= options_.max_new_tokens) {
    sample.finish_reason = FinishReason::length;
  } else {
    return true;
  }
  finished_.push_back(sequence.id);
  return false;
}

/// When the step is over, so that whoever is told may add and take.
void ContinuousSampler::tell_finished() {
  for (const std::uint64_t id : finished_) {
    const auto node = sequences_.extract(id);
    if (!node.empty() && options_.on_finished) options_.on_finished(id, node.mapped()->sample);
  }
  finished_.clear();
}

Sample ContinuousSampler::take(std::uint64_t id) {
  const auto found = sequences_.find(id);
  if (found == sequences_.end()) {
    throw std::invalid_argument("ContinuousSampler::take: " + std::to_string(id) +
                                " (need the id of an unfinished completion)");
  }
  SampledSequence& sequence = *found->second;
  if (sequence.group != nullptr) {  // else it has ended in this step
    std::erase(running_, &sequence);
    queue_->remove(sequence);
    queue_->close_exhausted();
  }
  Sample sample = std::move(sequence.sample);
  sequences_.erase(found);
  return sample;
}

void ContinuousSampler::weights_changed(std::uint64_t version) {
  if (version < version_) {
    throw std::invalid_argument("ContinuousSampler::weights_changed: version " + std::to_string(version) +
                                " after " + std::to_string(version_));
  }
  version_ = version;
  backend_.reset_cache(num_blocks_);
  queue_->restart(running_);
  running_.clear();
}

}  // namespace reckon
