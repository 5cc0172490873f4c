#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <span>
#include <vector>

#include "reckon/rollout/continuous_sampler.h"

namespace reckon {

struct SampledSequence;

/// Sequences that share a prompt. Its rows are computed once, maybe over several steps, into a slot of its
/// own.
struct PromptGroup {
  std::uint64_t number = 0;  // in the order in which they came
  std::vector<std::uint32_t> prompt;
  std::deque<SampledSequence*> waiting;
  std::size_t num_running = 0;
  bool is_interrupted = false;  // some of those that wait ran until the weights changed
  std::int32_t slot = -1;       // where it is open
  std::size_t prompt_fed = 0;   // its tokens that went through the model
  bool ends_in_step = false;    // the step that runs feeds its last token, as row last_row
  std::size_t last_row = 0;
  std::int64_t place =
      -1;  // where the backend keeps the row of its last token: first tokens are chosen from it

  [[nodiscard]] bool is_open() const { return slot >= 0; }
  [[nodiscard]] bool is_ready() const { return prompt_fed == prompt.size(); }
};

/// A completion that waits, runs, or has ended in this step.
struct SampledSequence {
  std::uint64_t id = 0;
  SampleKey key;
  Sample sample;
  PromptGroup* group = nullptr;  // none where it has ended
  std::int32_t slot = -1;        // where it runs
  std::size_t num_fed = 0;       // its tokens whose keys and values are in the cache
  std::size_t last_row = 0;      // of the step that runs: of its last token, where has_last_row
  bool has_last_row = false;

  [[nodiscard]] bool is_running() const { return slot >= 0; }
  [[nodiscard]] std::size_t num_to_feed() const { return sample.token_ids.size() - num_fed; }
};

/// Blocks of the cache that a sampler needs, by lengths in tokens.
class CacheNeed {
 public:
  explicit CacheNeed(std::int64_t max_new_tokens) : max_new_tokens_(max_new_tokens) {}
  /// Tokens of a prompt and a completion behind it, whose last token is never fed.
  [[nodiscard]] std::int64_t sequence_tokens(std::size_t prompt) const {
    return static_cast<std::int64_t>(prompt) + max_new_tokens_ - 1;
  }
  [[nodiscard]] static std::int64_t prompt_blocks(std::size_t prompt);
  /// That a sequence takes beside those that it shares with its prompt.
  [[nodiscard]] std::int64_t fork_blocks(std::size_t prompt) const;
  /// To lay out. \throws Error(usage) where one sequence does not fit the budget
  [[nodiscard]] std::int64_t blocks_to_lay_out(const SampleCapacity& capacity, const SampleOptions& options,
                                               std::int64_t bytes_per_block) const;

 private:
  std::int64_t max_new_tokens_;
};

/// \throws Error(usage) where a prompt is empty, or does not fit the positions with max_new_tokens behind it.
void check_prompt_length(std::size_t prompt, std::int64_t max_new_tokens, std::int64_t max_positions);

/// The capacity that a list of requests needs.
[[nodiscard]] SampleCapacity capacity_for(std::span<const SampleRequest> requests,
                                          std::int64_t max_new_tokens);

/// Whether two requests that stand together share the computation of their prompt.
[[nodiscard]] bool is_same_prompt(const SampleRequest& a, const SampleRequest& b);

/// Which sequences are decoded next: those that ran when the weights changed, then those with the longest
/// prompts. A sequence is admitted when its whole length has room in the cache, so that none that runs has to
/// give way.
class AdmissionQueue {
 public:
  AdmissionQueue(KvBlocks& cache, std::int64_t max_new_tokens, std::int64_t max_batch)
      : cache_(cache), need_(max_new_tokens), max_batch_(static_cast<std::size_t>(max_batch)) {}

  /// Adds sequences that wait for one prompt.
  void add(std::span<const std::uint32_t> prompt, std::span<SampledSequence* const> sequences);
  /// Opens slots for prompts that will be needed to fill the batch, and one ahead of it.
  void open_prompts(std::size_t num_running);
  /// A group whose prompt is ready and of which a sequence has room; null where there is none.
  /// \param promised  blocks that sequences which were taken before have still to fork
  [[nodiscard]] PromptGroup* ready_group(std::int64_t promised);
  /// Groups whose prompts are in the cache or on their way, in order.
  [[nodiscard]] std::span<PromptGroup* const> open_groups() const { return open_; }
  /// Takes the next sequence of a group that waits: it runs, or has ended, from now on.
  SampledSequence* take(PromptGroup& group);
  /// Gives a sequence that was taken a slot that continues its prompt.
  void fork_prompt(SampledSequence& sequence);
  [[nodiscard]] std::int64_t fork_blocks(const PromptGroup& group) const {
    return need_.fork_blocks(group.prompt.size());
  }
  /// A sequence has ended, or is taken away where it waits or runs: gives its slot back.
  void remove(SampledSequence& sequence);
  /// Gives the slots of prompts back that nobody waits for.
  void close_exhausted();
  /// The cache was emptied: all groups wait again, and what ran waits before the others.
  void restart(std::span<SampledSequence* const> running);

 private:
  struct Before {
    bool operator()(const PromptGroup* a, const PromptGroup* b) const;
  };
  [[nodiscard]] bool can_open(const PromptGroup& group) const;
  void forget_if_done(PromptGroup& group);

  KvBlocks& cache_;
  CacheNeed need_;
  std::size_t max_batch_;
  std::uint64_t next_number_ = 0;
  std::map<std::uint64_t, PromptGroup> groups_;  // by number
  std::vector<PromptGroup*> open_;               // in the order in which they were opened
  std::set<PromptGroup*, Before> closed_;        // of which sequences wait, without a slot
  std::vector<std::int64_t> free_places_;
  std::int64_t num_places_ = 0;
};

}  // namespace reckon
