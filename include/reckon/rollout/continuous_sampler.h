#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "reckon/rollout/sample.h"

namespace reckon {

/// What a sampler's cache is laid out for, once.
struct SampleCapacity {
  std::int64_t longest_prompt = 1;  ///< tokens; with max_new_tokens it must fit the positions of the model
  /// Blocks of sixteen tokens that all requests together take, where that is known to be less than
  /// max_batch sequences with prompts of their own.
  std::int64_t all_blocks = std::numeric_limits<std::int64_t>::max();
};

class AdmissionQueue;
struct SampledSequence;

/// Decodes completions that come and go, max_batch sequences at a time, with a key-value cache: when one has
/// ended, the next takes its place at the next token. A prompt's keys and values are computed once for the
/// requests that share it.
///
/// A token of a completion depends on the completion's prompt, key, tokens before and on the weights at that
/// moment, on nothing else: not on what is decoded beside it, nor on where and how often it was interrupted
/// (take(), SampleRequest::so_far). Its log-prob has the bits of the learner's log-prob of it under those
/// weights: when they change, the keys and values of all that runs are computed again from the tokens.
///
/// The longest prompts that wait come first: what starts last should be short. That biases when a completion
/// is there, and so which ones are taken unfinished, but no token. Not for use by two threads at once.
class ContinuousSampler {
 public:
  /// Lays the cache out. \param backend  must outlive it; no other may use its cache meanwhile
  /// \param options  on_token and on_finished are called with ids. on_finished is called at the end of a
  /// step, and may add and take
  /// \throws Error(usage) where such a prompt and max_new_tokens do not fit max_position_embeddings, or one
  /// sequence does not fit kv_budget_mib.
  ContinuousSampler(SamplingBackend& backend, SampleOptions options, const SampleCapacity& capacity);
  ~ContinuousSampler();
  ContinuousSampler(const ContinuousSampler&) = delete;
  ContinuousSampler& operator=(const ContinuousSampler&) = delete;

  /// Adds requests, whose prompts are copied; neighbours that give the same span share its computation.
  /// \return the id of the first; the others have those that follow
  /// \throws Error(usage) for a prompt that is empty or longer than the capacity.
  /// \throws Error(bad_data) for a so_far that has ended, contradicts itself or is of newer weights. Then
  /// none is added.
  std::uint64_t add(std::span<const SampleRequest> requests);

  /// One forward pass: a token more for each sequence that runs, and rows of prompts and of completions that
  /// were begun before. Does nothing where none is unfinished.
  void step();

  /// Running or waiting. What on_finished has been called with is forgotten.
  [[nodiscard]] std::int64_t num_unfinished() const { return static_cast<std::int64_t>(sequences_.size()); }
  [[nodiscard]] bool is_idle() const { return sequences_.empty(); }

  /// Stops one and forgets it. \return what there is so far: a so_far for whoever goes on
  /// \throws std::invalid_argument where there is no unfinished one of that id.
  Sample take(std::uint64_t id);

  /// To be called when the backend's weights were replaced, before the next step. Tokens from here on are of
  /// this version. \throws std::invalid_argument where it is older than the one before.
  void weights_changed(std::uint64_t version);

 private:
  void check(const SampleRequest& request) const;
  void admit();
  void take_ready();
  void add_running_rows();
  void add_prompt_rows(std::size_t room);
  void choose_next_tokens();
  void choose();
  void add_choice(SampledSequence& sequence, std::int64_t row, bool kept);
  [[nodiscard]] bool add_token(SampledSequence& sequence, const SampledToken& chosen);
  void tell_finished();

  SamplingBackend& backend_;
  SampleOptions options_;
  std::int64_t longest_prompt_;
  std::int64_t num_blocks_;
  std::uint64_t version_;
  std::uint64_t next_id_ = 0;
  std::unique_ptr<AdmissionQueue> queue_;
  std::unordered_map<std::uint64_t, std::unique_ptr<SampledSequence>> sequences_;  // by id
  std::vector<SampledSequence*> running_, admitted_, chosen_;  // chosen_: whom the choices are for
  std::vector<std::uint64_t> finished_;                        // that on_finished has not been told of
  PackedRows rows_;
  std::vector<TokenChoice> choices_;
  std::vector<SampledToken> tokens_;  // of the choices
};

}  // namespace reckon
