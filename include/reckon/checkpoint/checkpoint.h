#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/checkpoint/state.h"
#include "reckon/lineage/manifest.h"
#include "reckon/model/decoder.h"

namespace reckon {

/// A checkpoint by its place: `checkpoints/<stage>/step-000100`.
struct CheckpointName {
  std::string stage;
  std::int64_t step = 0;
  [[nodiscard]] std::string text() const;  ///< "rl-1/step-000100"
  bool operator==(const CheckpointName&) const = default;
};

/// The checkpoints that a run's folder `checkpoints` holds by name, whole or broken; by stage and step. What
/// is not finished (`.tmp`) or on its way out (`.removed`) is left out.
[[nodiscard]] std::vector<CheckpointName> list_checkpoints(const std::filesystem::path& folder);

/// Removes what writers that died have left in a folder `checkpoints`: `.tmp` and `.removed`. \throws
/// Error(io)
void remove_unfinished_checkpoints(const std::filesystem::path& folder);

/// A checkpoint that is what its manifest says.
struct Checkpoint {
  std::filesystem::path folder;
  Manifest manifest;
  std::string manifest_sha256;  ///< of manifest.json
  TrainState state;
};

/// Which files are compared with the manifest: all of them have to be read for it.
enum class CheckFiles { all, none };

/// Reads a checkpoint's manifest and state, and checks its files.
/// \param check  none where another rank has checked them
/// \throws Error(bad_data) or Error(missing_input) naming the first file that is not as listed.
[[nodiscard]] Checkpoint open_checkpoint(const std::filesystem::path& folder,
                                         CheckFiles check = CheckFiles::all);

/// Writes the checkpoint's weights, exactly those that were trained, into a decoder of the same shape, which
/// is then to be repacked. \throws Error(bad_data) where their SHA-256 is not the state's.
void load_weights(const Checkpoint& checkpoint, Decoder& decoder);

/// AdamW's moments of all parameters, put together from the parts of the ranks that wrote them.
struct Moments {
  std::vector<float> first, second;
};
/// \param parameters  of the model \throws Error(bad_data) where the parts do not make up so many
[[nodiscard]] Moments load_moments(const Checkpoint& checkpoint, std::size_t parameters);

/// The weights of an entry of state.past. Whether they have its SHA-256 is for who uses them to say.
/// \param parameters  of the model \throws Error(bad_data) where there are not so many
[[nodiscard]] std::vector<float> load_past_weights(const Checkpoint& checkpoint, const PastWeights& past,
                                                   std::size_t parameters);

}  // namespace reckon
