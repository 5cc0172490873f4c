#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reckon {

/// Of the manifest within a checkpoint's folder.
inline constexpr std::string_view kCheckpointSchema = "reckon.checkpoint/1";
inline constexpr std::string_view kCheckpointManifest = "reckon/manifest.json";
/// Of the TrainState within it.
inline constexpr const char* kStateFile = "reckon/state.json";

/// Where a stage's stream of problems stands.
struct StreamCursor {
  std::uint64_t number = 0;                                     ///< of the next problem
  std::vector<std::pair<std::uint64_t, std::uint64_t>> visits;  ///< problem id, times drawn; by id
  bool operator==(const StreamCursor&) const = default;
};

/// Weights of an earlier step that later steps are still sampled by.
struct PastWeights {
  std::int64_t step = 0;     ///< that made them; 0: those that the stage began with
  std::int64_t updates = 0;  ///< that they have seen
  std::string sha256;        ///< as Decoder::sha256()
  bool operator==(const PastWeights&) const = default;
};

/// Everything that the rest of a run depends on beside weights, optimizer moments and the recipe: what is
/// true after `step` steps of `stage`. The random numbers have no state: they are named by seed, stage,
/// problem and position.
struct TrainState {
  std::string stage;
  std::int64_t step = 0;
  bool stage_done = false;  ///< the stage has ended: there is no optimizer state
  std::int64_t updates = 0;
  StreamCursor cursor;
  std::string weights_sha256;  ///< after the step; empty for a stage that makes no weights
  std::string guards;          ///< state of the guards, JSON; empty where there is none
  double stage_seconds = 0;    ///< wall time of the stage so far
  std::string summary;         ///< summary.json as it was
  std::uint64_t metrics_bytes = 0;
  std::string metrics_sha256;  ///< of so many bytes of metrics.jsonl
  std::uint64_t chain_bytes = 0;
  std::string chain_link;
  std::string recipe_sha256;  ///< of the run's recipe.toml
  std::string fingerprint;    ///< numerics fingerprint
  int world_size = 1;         ///< that wrote it; any other can read it
  /// Groups that were drawn and that no step has trained on or dropped, ascending; the cursor stands before
  /// the first. None where groups are admitted in order.
  std::vector<std::uint64_t> pending_groups;
  std::uint64_t groups_drawn = 0;    ///< numbers from here on were never drawn; 0 where admitted in order
  std::uint64_t groups_dropped = 0;  ///< so far
  std::vector<PastWeights> past;     ///< ascending; none where sampling does not lag behind
};

/// As JSON, all of it but the visits, which are many.
[[nodiscard]] std::string train_state_json(const TrainState& state);
/// \param where  names the file in messages \throws Error(bad_data)
[[nodiscard]] TrainState parse_train_state(const std::string& text, const std::string& where);

}  // namespace reckon
