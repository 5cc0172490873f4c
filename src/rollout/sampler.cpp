#include "reckon/rollout/sampler.h"

#include <algorithm>
#include <utility>

#include "admission.h"
#include "reckon/base/philox.h"

namespace reckon {
namespace {

// Prompt tokens that go through the model in one step, beside the sequences that decode.
constexpr std::size_t kPromptRows = 512;

}  // namespace

std::uint32_t stage_key(std::string_view stage_name) {
  std::uint64_t hash = 0;
  for (const char c : stage_name) hash = mix64(hash, static_cast<unsigned char>(c));
  return static_cast<std::uint32_t>(hash);
}

Sampler::Sampler(std::unique_ptr<SamplingBackend> backend) : backend_(std::move(backend)) {}
Sampler::Sampler(const Decoder& decoder) : Sampler(make_cpu_sampling_backend(decoder)) {}

std::vector<Sample> Sampler::generate(std::span<const SampleRequest> requests, const SampleOptions& options) {
  requests_ = requests;
  options_ = &options;
  samples_.assign(requests.size(), {});
  active_.clear();
  active_.reserve(static_cast<std::size_t>(options.max_batch));
  AdmissionQueue queue(*backend_, requests, options);
  while (!queue.is_empty() || !active_.empty()) {
    queue.open_prompts(active_.size());
    admit(queue);
    step(queue);
    queue.close_exhausted();
  }
  return std::move(samples_);
}

/// Chooses the first token of requests whose prompts are ready, and makes those active that go on.
void Sampler::admit(AdmissionQueue& queue) {
  for (;;) {
    take_ready(queue);
    if (admissions_.empty()) return;
    choose();
    for (std::size_t i = 0; i < admissions_.size(); ++i) {
      const auto& [request, group] = admissions_[i];
      samples_[request].token_ids.reserve(static_cast<std::size_t>(options_->max_new_tokens));
      samples_[request].logprob.reserve(static_cast<std::size_t>(options_->max_new_tokens));
      if (!add_token(request, tokens_[i])) continue;  // it leaves room for another
      active_.push_back({request, queue.fork_prompt(*group), static_cast<std::int32_t>(group->prompt.size()),
                         tokens_[i].token_id});
    }
  }
}

/// Takes requests from the queue as long as there is room for them, were they all to go on.
void Sampler::take_ready(AdmissionQueue& queue) {
  admissions_.clear();
  choices_.clear();
  std::int64_t promised = 0;
  while (active_.size() + admissions_.size() < static_cast<std::size_t>(options_->max_batch)) {
    PromptGroup* group = queue.ready_group(promised);
    if (group == nullptr) return;
    promised += queue.fork_blocks(*group);
    admissions_.push_back({queue.take(*group), group});
    add_choice(admissions_.back().request, group->place, true);
  }
}

/// Rows of prompts that are not computed yet, in order.
void Sampler::add_prompt_rows(AdmissionQueue& queue) {
  std::size_t room = kPromptRows;
  for (PromptGroup& group : queue.open_groups()) {
    for (; !group.is_ready() && room > 0; --room) {
      group.last_row = rows_.size();
      rows_.add(group.prompt[group.prompt_fed], group.slot, static_cast<std::int32_t>(group.prompt_fed));
      ++group.prompt_fed;
      group.ends_in_step = group.is_ready();
    }
  }
}

/// One forward pass: the next token of every active sequence, and rows of prompts that will be needed.
void Sampler::step(AdmissionQueue& queue) {
  rows_.clear();
  for (const Active& active : active_) rows_.add(active.last_token, active.slot, active.position);
  add_prompt_rows(queue);
  if (rows_.size() == 0) return;
  backend_->forward(rows_);
  for (PromptGroup& group : queue.open_groups()) {
    if (!std::exchange(group.ends_in_step, false)) continue;
    backend_->keep(static_cast<std::int64_t>(group.last_row), group.place);
  }
  choose_next_tokens();
}

/// The next tokens of the active sequences, which are the first rows of the pass; those that end leave.
void Sampler::choose_next_tokens() {
  choices_.clear();
  for (std::size_t i = 0; i < active_.size(); ++i)
    add_choice(active_[i].request, static_cast<std::int64_t>(i), false);
  choose();
  std::size_t left = 0;
  for (std::size_t i = 0; i < active_.size(); ++i) {
    Active active = active_[i];
    if (!add_token(active.request, tokens_[i])) {
      backend_->cache().close(active.slot);
      continue;
    }
    active.last_token = tokens_[i].token_id;
    active.position += 1;
    active_[left++] = active;
  }
  active_.resize(left);
}

void Sampler::add_choice(std::size_t request, std::int64_t row, bool kept) {
  choices_.push_back(
      {row, kept, requests_[request].key, static_cast<std::uint32_t>(samples_[request].token_ids.size())});
}

void Sampler::choose() {
  tokens_.resize(choices_.size());
  if (!choices_.empty()) backend_->choose(choices_, options_->temperature, options_->decoding, tokens_);
}

/// Adds a token to the request's sample. \return whether the sample goes on
bool Sampler::add_token(std::size_t request, const SampledToken& chosen) {
  Sample& sample = samples_[request];
  sample.token_ids.push_back(chosen.token_id);
  sample.logprob.push_back(chosen.logprob);
  if (options_->on_token) options_->on_token(request, chosen.token_id);
  const std::vector<std::int64_t>& eos = backend_->config().eos_token_ids;
  if (std::find(eos.begin(), eos.end(), static_cast<std::int64_t>(chosen.token_id)) != eos.end()) {
    sample.finish_reason = FinishReason::eos;
  } else if (options_->is_stop && options_->is_stop(sample.token_ids)) {
    sample.finish_reason = FinishReason::stop;
  } else if (static_cast<std::int64_t>(sample.token_ids.size()) >= options_->max_new_tokens) {
    sample.finish_reason = FinishReason::length;
  } else {
    return true;
  }
  if (options_->on_finished) options_->on_finished(request, sample);
  return false;
}

}  // namespace reckon
