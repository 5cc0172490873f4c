#include "reckon/rollout/sampler.h"

#include <algorithm>
#include <utility>

#include "admission.h"
#include "reckon/base/philox.h"
#include "reckon/ops/token_logprob.h"

namespace reckon {
namespace {

// Rows of logits that exist at once.
constexpr std::size_t kLogitRows = 64;
// Prompt tokens that go through the model in one step, beside the sequences that decode.
constexpr std::size_t kPromptRows = 512;

}  // namespace

std::uint32_t stage_key(std::string_view stage_name) {
  std::uint64_t hash = 0;
  for (const char c : stage_name) hash = mix64(hash, static_cast<unsigned char>(c));
  return static_cast<std::uint32_t>(hash);
}

Sampler::Sampler(const Decoder& decoder) : decoder_(decoder) {}
Sampler::~Sampler() = default;

std::vector<Sample> Sampler::generate(std::span<const SampleRequest> requests, const SampleOptions& options) {
  requests_ = requests;
  options_ = &options;
  samples_.assign(requests.size(), {});
  active_.clear();
  active_.reserve(static_cast<std::size_t>(options.max_batch));
  AdmissionQueue queue(decoder_, requests, options, cache_);
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
  logits_.resize(static_cast<std::size_t>(decoder_.num_logits()));
  const PromptGroup* computed = nullptr;  // the group whose logits are there
  while (active_.size() < static_cast<std::size_t>(options_->max_batch)) {
    PromptGroup* group = queue.ready_group();
    if (group == nullptr) return;
    if (group != computed) decoder_.logits(group->hidden, logits_);
    computed = group;
    const std::size_t request = queue.take(*group);
    samples_[request].token_ids.reserve(static_cast<std::size_t>(options_->max_new_tokens));
    samples_[request].logprob.reserve(static_cast<std::size_t>(options_->max_new_tokens));
    std::uint32_t token = 0;
    if (!choose(request, logits_, token)) continue;
    active_.push_back(
        {request, queue.fork_prompt(*group), static_cast<std::int32_t>(group->prompt.size()), token});
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
  const std::size_t decoding = active_.size();
  for (const Active& active : active_) rows_.add(active.last_token, active.slot, active.position);
  add_prompt_rows(queue);
  if (rows_.size() == 0) return;
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  hidden_.resize(rows_.size() * width);
  decoder_.forward(rows_, cache_, activations_, hidden_);
  for (PromptGroup& group : queue.open_groups()) {
    if (!std::exchange(group.ends_in_step, false)) continue;
    std::copy_n(hidden_.data() + group.last_row * width, width, group.hidden.data());
  }
  choose_next_tokens(decoding);
}

/// The next tokens of the first `count` rows, which are the active sequences'; those that end leave.
void Sampler::choose_next_tokens(std::size_t count) {
  const auto width = static_cast<std::size_t>(decoder_.config().hidden_size);
  const auto vocab = static_cast<std::size_t>(decoder_.num_logits());
  logits_.resize(std::min(count, kLogitRows) * vocab);
  std::size_t kept = 0;
  for (std::size_t first = 0; first < count; first += kLogitRows) {
    const std::size_t rows = std::min(kLogitRows, count - first);
    decoder_.logits(hidden_.span().subspan(first * width, rows * width), logits_.span().first(rows * vocab));
    for (std::size_t row = 0; row < rows; ++row) {
      Active active = active_[first + row];
      if (!choose(active.request, logits_.span().subspan(row * vocab, vocab), active.last_token)) {
        cache_.close(active.slot);
        continue;
      }
      active.position += 1;
      active_[kept++] = active;
    }
  }
  active_.resize(kept);
}

/// Chooses a token and adds it to the request's sample. \return whether the sample goes on
bool Sampler::choose(std::size_t request, std::span<const float> logits, std::uint32_t& token) {
  Sample& sample = samples_[request];
  const auto position = static_cast<std::uint32_t>(sample.token_ids.size());
  SampledToken chosen;
  if (options_->decoding == Decoding::greedy) {
    chosen.token_id = argmax(logits);
    token_logprob(logits, {&chosen.token_id, 1}, static_cast<float>(options_->temperature),
                  {&chosen.logprob, 1});
  } else {
    chosen = sample_token(logits, options_->temperature, requests_[request].key, position);
  }
  token = chosen.token_id;
  sample.token_ids.push_back(token);
  sample.logprob.push_back(chosen.logprob);
  if (options_->on_token) options_->on_token(request, token);
  const std::vector<std::int64_t>& eos = decoder_.config().eos_token_ids;
  if (std::find(eos.begin(), eos.end(), static_cast<std::int64_t>(token)) != eos.end()) {
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
