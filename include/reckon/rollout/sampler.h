#pragma once

#include <memory>
#include <span>
#include <vector>

#include "reckon/rollout/sample.h"

namespace reckon {

/// Decodes lists of completions to their ends, by a ContinuousSampler. What comes out for a request depends
/// on that request and the weights alone.
class Sampler {
 public:
  explicit Sampler(std::unique_ptr<SamplingBackend> backend);
  /// On the CPU. \param decoder  must outlive it
  explicit Sampler(const Decoder& decoder);

  /// \return one sample for each request, in order
  /// \throws Error(usage) where prompt and max_new_tokens do not fit max_position_embeddings, or one sequence
  /// does not fit kv_budget_mib.
  std::vector<Sample> generate(std::span<const SampleRequest> requests, const SampleOptions& options);

 private:
  std::unique_ptr<SamplingBackend> backend_;
};

}  // namespace reckon
