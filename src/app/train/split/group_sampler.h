#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "app/train/prompt_book.h"
#include "app/train/sampling_policy.h"
#include "app/train/setup.h"
#include "reckon/reward/grading_pool.h"
#include "reckon/rollout/continuous_sampler.h"
#include "reckon/rollout/stop_strings.h"

namespace reckon {

/// Samples and grades groups that come and go, under weights that may change between two tokens.
class GroupSampler {
 public:
  /// A group whose completions are all sampled and graded.
  struct Done {
    Group group;
    std::int64_t oldest_step = 0;  ///< of the weights that it was begun with
  };

  GroupSampler(TrainRun& run, const StageConfig& stage, SamplingPolicy& policy);
  ~GroupSampler();

  /// Begins a group, whose prompt this is, by the policy's weights.
  void begin(std::int64_t number, DrawnPrompt prompt);
  /// A token more for all; those groups that are complete by it.
  [[nodiscard]] std::vector<Done> step();
  /// The policy has other weights now: what runs goes on by them.
  void weights_changed();
  /// Gives up groups that were begun by weights of an earlier step than this. \return their numbers
  [[nodiscard]] std::vector<std::int64_t> give_up_before(std::int64_t step);

  [[nodiscard]] bool is_idle() const { return running_.empty(); }
  [[nodiscard]] std::int64_t num_groups() const { return static_cast<std::int64_t>(running_.size()); }

 private:
  struct Running {
    Done done;
    const Task* task = nullptr;
    std::int64_t left = 0;           // completions that are not sampled yet
    std::vector<std::uint64_t> ids;  // of the sampler
  };
  void make_sampler(std::int64_t longest_prompt);
  void finished(std::uint64_t id, const Sample& sample);

  TrainRun& run_;
  const StageConfig& stage_;
  SamplingPolicy& policy_;
  std::unique_ptr<SamplingBackend> backend_;
  StopStrings stop_;
  std::int64_t longest_prompt_ = 0;  // that the sampler has room for
  std::unique_ptr<ContinuousSampler> sampler_;
  std::map<std::int64_t, std::unique_ptr<Running>> running_;             // by number
  std::map<std::uint64_t, std::pair<Running*, std::uint32_t>> samples_;  // by the sampler's id
  std::vector<std::int64_t> complete_;                                   // sampled in this step
  GradingPool pool_;                                                     // after what its jobs refer to
};

}  // namespace reckon
