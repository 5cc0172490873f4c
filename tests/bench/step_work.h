#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "reckon/dist/communicator.h"
#include "reckon/learn/cpu_learner.h"
#include "reckon/learn/grpo.h"
#include "reckon/rollout/sampler.h"

namespace reckon::bench {

/// What is measured.
struct WorkOptions {
  std::string shape = "small";
  ComputeDtype dtype = ComputeDtype::float32;
  KvDtype kv_dtype = KvDtype::automatic;
  std::int64_t prompts = 16;
  std::int64_t group = 16;
  std::int64_t prompt_tokens = 32;
  std::int64_t new_tokens = 128;
  std::int64_t steps = 3;  ///< measured, behind one to warm up
  std::int64_t max_batch = 256;
  bool generate_only = false;
};

/// A Qwen2 shape by name, without a token that ends a completion: exactly new_tokens come.
/// \throws Error(usage) for an unknown name.
[[nodiscard]] DecoderConfig shape_config(const std::string& name);

/// \throws Error(environment) where all ranks together need more memory than is free.
void check_options(const WorkOptions& options, int ranks);

struct StepTimes {
  double generate = 0, update = 0, total = 0;  ///< seconds; the slowest rank's
  double rows = 0;                             ///< tokens through the learner's model
};

/// A GRPO step on random weights and prompts with random rewards: the loop of src/app/train/grpo_stage.cpp without
/// its texts, logs and hashes.
class StepWork {
 public:
  /// Collective, as is run().
  StepWork(const WorkOptions& options, Communicator& world);
  StepTimes run(std::int64_t step);
  [[nodiscard]] double num_parameters() const { return static_cast<double>(decoder_.parameters().size()); }

 private:
  void sample(std::int64_t step, std::vector<Group>& mine);
  void reward(std::int64_t step, std::vector<Group>& mine) const;

  WorkOptions options_;
  Communicator& world_;
  Decoder decoder_;
  Sampler sampler_;
  std::unique_ptr<CpuLearner> learner_;
  std::unique_ptr<GrpoUpdater> updater_;
  std::vector<Group> groups_;  // of all ranks, with prompts
};

/// FLOP/s of oneDNN's brgemm, 64 x 768 x 256, on all ranks at once, summed over them. Collective.
[[nodiscard]] double brgemm_rate(Communicator& world, ComputeDtype dtype);

}  // namespace reckon::bench
