#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reckon/rollout/sampler.h"

namespace reckon {

/// Requests that share a prompt. Its rows are computed once, maybe over several steps, into a slot of its
/// own.
struct PromptGroup {
  std::size_t first_request = 0;
  std::size_t count = 0;
  std::span<const std::uint32_t> prompt;
  std::int32_t slot = -1;
  std::size_t prompt_fed = 0;   // its tokens that went through the model
  std::size_t next_sample = 0;  // of its requests, the first that was not admitted
  bool ends_in_step = false;    // the step that runs feeds its last token, as row last_row
  std::size_t last_row = 0;
  std::int64_t place =
      -1;  // where the backend keeps the row of its last token: the first token is chosen from it

  [[nodiscard]] bool is_ready() const { return prompt_fed == prompt.size(); }
  [[nodiscard]] bool is_exhausted() const { return next_sample == count; }
};

/// Which requests are decoded next. The longest prompts come first: what starts last should be short. A
/// request is admitted when its whole length has room in the cache, so that none that runs has to give way.
class AdmissionQueue {
 public:
  /// Lays the cache out.
  /// \throws Error(usage) where a request cannot be decoded.
  AdmissionQueue(SamplingBackend& backend, std::span<const SampleRequest> requests,
                 const SampleOptions& options);

  /// Opens slots for prompts that will be needed to fill the batch, and one ahead of it.
  void open_prompts(std::size_t num_active);
  /// A group whose prompt is ready and of which a sample has room; null where there is none.
  /// \param promised  blocks that requests which were taken before have still to fork
  [[nodiscard]] PromptGroup* ready_group(std::int64_t promised);
  /// Groups whose prompts are in the cache or on their way, in order.
  [[nodiscard]] std::span<PromptGroup> open_groups();
  /// Takes the next sample of a group: its request.
  std::size_t take(PromptGroup& group);
  /// A slot that continues the prompt, and the blocks that it takes.
  [[nodiscard]] std::int32_t fork_prompt(const PromptGroup& group);
  [[nodiscard]] std::int64_t fork_blocks(const PromptGroup& group) const;
  /// Gives the slots of exhausted groups back.
  void close_exhausted();
  [[nodiscard]] bool is_empty() const { return first_open_ == groups_.size(); }

 private:
  [[nodiscard]] std::int64_t sequence_blocks(std::size_t prompt_length) const;
  [[nodiscard]] std::int64_t blocks_to_lay_out(std::int64_t bytes_per_block) const;

  const SampleOptions& options_;
  KvBlocks& cache_;
  std::vector<PromptGroup> groups_;  // the longest prompts first
  std::size_t first_open_ = 0;       // groups before it are exhausted
  std::size_t end_open_ = 0;         // groups from it on have no slot yet
  std::vector<std::int64_t> free_places_;
  std::int64_t num_places_ = 0;
};

}  // namespace reckon
