#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reckon/base/aligned_buffer.h"
#include "reckon/checkpoint/checkpoint.h"
#include "reckon/dist/communicator.h"
#include "reckon/learn/learner.h"
#include "reckon/model/pretrained.h"

namespace reckon {

/// Which checkpoints of a stage stay. The last of each stage always does.
struct RetentionConfig {
  std::int64_t keep_last = 3;   ///< the newest ones, at least 1
  std::int64_t keep_every = 0;  ///< and those whose step is a multiple of this; 0: none besides
  std::int64_t schedule = 0;  ///< and the newest whose step is a multiple of this: a guard may go back to it
  std::vector<std::int64_t> keep = {};  ///< and these
};

/// Those of a stage's steps that are to be removed. \param steps  ascending
[[nodiscard]] std::vector<std::int64_t> steps_to_remove(const std::vector<std::int64_t>& steps,
                                                        const RetentionConfig& retention);

/// What a checkpoint is made of. Referred to until begin() returns.
struct CheckpointContent {
  TrainState state;
  const Decoder* decoder = nullptr;  ///< null for a stage that makes no weights
  const Learner* learner = nullptr;  ///< null where the stage has ended: no optimizer state
  ModelFiles files;                  ///< beside the weights
  TensorDtype dtype = TensorDtype::f32;
  std::vector<std::span<const float>> past = {};  ///< the weights of state.past, all parameters of each
  std::map<std::string, std::string> texts;       ///< more files, by their path in the folder
  std::vector<std::filesystem::path> sync_first;  ///< must be durable before the checkpoint is
};

/// Writes the checkpoints of a run while it goes on. Every rank writes its share of the optimizer's moments
/// and, where the model's files round them, of the weights; rank 0 the model folder and the state. All of it
/// goes to `step-000100.tmp`, each file is made durable and hashed; when all ranks are done, rank 0 writes
/// the manifest and renames the folder, and moves `latest` last. So a checkpoint is whole or not there.
///
/// begin() copies what it is given and returns; threads do the rest, at a lower priority. The copies stay
/// allocated: rank 0 holds the weights once more, each rank its share of the moments.
///
/// All calls are collective. Failpoints: `checkpoint.moments`, `checkpoint.model`, `checkpoint.state` (before
/// each is written), `checkpoint.manifest`, `checkpoint.rename` (the manifest is there), `checkpoint.latest`
/// (renamed), `checkpoint.prune`.
class CheckpointWriter {
 public:
  /// \param folder  `checkpoints` of the run
  CheckpointWriter(std::filesystem::path folder, Communicator& world, RetentionConfig retention);
  /// Keeps this one as well. Rank 0's word counts.
  void keep(CheckpointName name) { kept_.push_back(std::move(name)); }
  /// Waits for its thread. What was not finished is not a checkpoint.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  /// Begins a checkpoint, after the one before it is finished. \throws as finish(); Error(io) where the file
  /// system has no room for it
  void begin(const CheckpointContent& content);
  /// Whether this rank has work in the background. Not collective.
  [[nodiscard]] bool is_busy() const;
  /// Whether a checkpoint was begun that is not finished. Not collective, the same on every rank.
  [[nodiscard]] bool in_flight() const { return phase_ != Phase::idle; }
  /// Goes on with the checkpoint where no rank is busy. \throws Error(io) on every rank where one failed: the
  /// checkpoints before it are as they were, and what was written of it is gone.
  void advance();
  /// Waits until the checkpoint is there. \throws as advance()
  void finish();
  /// Of the last one that was begun; nothing before.
  [[nodiscard]] const std::optional<CheckpointName>& last() const { return last_; }

 private:
  enum class Phase { idle, parts, commit };
  /// The copies that the background works on.
  struct Copies {
    TrainState state;
    std::vector<float> first, second, share;  // of this rank's part of the parameters
    AlignedBuffer weights;                    // rank 0
    std::vector<std::vector<float>> past;     // rank 0
    std::vector<ParameterTensor> tensors;
    DecoderConfig config;
    ModelFiles files;
    TensorDtype dtype = TensorDtype::f32;
    bool has_weights = false, has_moments = false;
    std::map<std::string, std::string> texts;
    std::vector<std::filesystem::path> sync_first;
    Range range;
  };
  void copy(const CheckpointContent& content);
  void check_space(const CheckpointContent& content);
  void write_part();
  void write_shares(std::vector<std::string>& written);
  void commit(const std::vector<std::string>& parts);
  void prune();
  void start(std::function<void()> work);
  void collect();
  void fail_together(const std::string& failure);
  [[nodiscard]] std::filesystem::path place() const;
  [[nodiscard]] std::filesystem::path temporary() const;

  std::filesystem::path folder_;
  Communicator& world_;
  RetentionConfig retention_;
  std::vector<CheckpointName> kept_;
  Phase phase_ = Phase::idle;
  std::optional<CheckpointName> last_;
  Copies copies_;
  std::vector<ManifestFile> part_;  // what this rank wrote
  std::future<void> work_;
};

}  // namespace reckon
