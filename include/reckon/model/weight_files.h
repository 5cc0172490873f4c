#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/model/safetensors.h"

namespace reckon {

/// Files larger than this are cut into shards, as `save_pretrained` of transformers does.
inline constexpr std::uint64_t kMaxShardBytes = std::uint64_t{5} << 30;

/// The weights of a Hugging Face model folder: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names.
class WeightFiles {
 public:
  /// \throws Error(missing_input) where there is neither, or a shard is missing; Error(bad_data) where a file
  /// breaks the format, and with a line for every tensor that is in two shards, in another than the index
  /// says, or in none. Shards are plain file names of the folder: no path leads out of it.
  [[nodiscard]] static WeightFiles open(const std::filesystem::path& folder);

  /// In the order of their names; the views live as long as this object or a copy of it.
  [[nodiscard]] const std::vector<TensorView>& tensors() const { return tensors_; }
  /// nullptr where there is none of this name.
  [[nodiscard]] const TensorView* find(std::string_view name) const;
  /// Of model.safetensors, or of the index.
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const std::vector<SafetensorsFile>& files() const { return files_; }

 private:
  std::filesystem::path path_;
  std::vector<SafetensorsFile> files_;
  std::vector<TensorView> tensors_;
};

/// Writes `model.safetensors`, or shards of at most max_shard_bytes of tensors with their index where they
/// are more; a tensor is never cut. Shards are filled in the order given. \throws Error(io)
void write_weight_files(const std::filesystem::path& folder, std::span<const TensorView> tensors,
                        std::uint64_t max_shard_bytes = kMaxShardBytes);

/// Copies a stored F32, BF16 or F16 tensor to float32: exact. \param to as many values as the tensor has
/// \throws Error(bad_data) naming file and tensor for any other dtype.
void to_float32(const TensorView& view, const std::string& where, std::span<float> to);

/// Values as stored in F32, BF16 or F16: rounded to nearest, ties to even; too large for F16 is infinity.
/// \throws std::invalid_argument for other dtypes.
[[nodiscard]] std::vector<std::byte> from_float32(std::span<const float> values, TensorDtype dtype);

}  // namespace reckon
