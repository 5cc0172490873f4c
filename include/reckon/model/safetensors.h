#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// Element types of the safetensors format that fill whole bytes.
enum class TensorDtype {
  boolean,
  u8,
  i8,
  f8_e4m3,
  f8_e5m2,
  u16,
  i16,
  f16,
  bf16,
  u32,
  i32,
  f32,
  u64,
  i64,
  f64
};

/// The name in a safetensors header, for example "BF16".
[[nodiscard]] std::string_view dtype_name(TensorDtype dtype);
/// Bytes of one element.
[[nodiscard]] std::size_t dtype_size(TensorDtype dtype);

/// A tensor in row-major order that lies somewhere else.
struct TensorView {
  std::string name;
  TensorDtype dtype = TensorDtype::f32;
  std::vector<std::int64_t> shape;  ///< empty for a single number; sizes may be 0
  std::span<const std::byte> data;  ///< little-endian; in a foreign file not always aligned to its element
};

/// What a file must hold: used to compare a file with the model it is meant for.
struct TensorSpec {
  std::string name;
  std::vector<std::int64_t> shape;
};

/// A safetensors file, mapped into memory: 8 bytes header size, JSON header, data
/// (https://huggingface.co/docs/safetensors, section "Format").
/// Nothing in the header is believed: each rule of the format is checked before a byte of data is used.
class SafetensorsFile {
 public:
  /// \throws Error(missing_input)  where the file is not there or cannot be read.
  /// \throws Error(bad_data)       where it breaks the format; one line with the file, the tensor and the
  /// values. Files
  ///                               that are something else (a Git LFS pointer, a web page, a pickle) are
  ///                               named.
  /// \note The file must not be shortened while it is open: reading a mapped page that is gone ends the
  /// process.
  [[nodiscard]] static SafetensorsFile open(const std::filesystem::path& path);
  /// The same of a file that is in memory already. \param path  only names it in messages
  [[nodiscard]] static SafetensorsFile from_memory(std::shared_ptr<const std::byte> bytes, std::size_t size,
                                                   const std::filesystem::path& path);

  /// In the order of their names; the views live as long as this object or a copy of it.
  [[nodiscard]] const std::vector<TensorView>& tensors() const { return tensors_; }
  /// nullptr where there is none of this name.
  [[nodiscard]] const TensorView* find(std::string_view name) const;
  /// The text pairs of `__metadata__`.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const { return metadata_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::shared_ptr<const std::byte> mapping_;
  std::vector<TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes a safetensors file atomically (base/atomic_file.h). Tensors are laid out by element size, largest
/// first, then by name, so that each is aligned and the order given does not matter; the header is padded
/// with blanks to a multiple of 8 bytes and its only metadata is {"format": "pt"}, which transformers asks
/// for. So equal weights make equal files. \throws std::invalid_argument  where a name is double or reserved,
/// or a shape does not fit its data. \throws Error(io)              where writing fails; nothing is left
/// behind.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors);

/// What differs between tensors and those expected, a line each: missing, of another shape, not expected.
[[nodiscard]] std::vector<std::string> tensor_mismatches(std::span<const TensorView> tensors,
                                                         std::span<const TensorSpec> expected);

/// A shape as in messages: "[2, 3]".
[[nodiscard]] std::string shape_text(std::span<const std::int64_t> shape);

}  // namespace reckon
