#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

inline constexpr std::string_view kMetadataKey = "__metadata__";

/// A tensor as the header describes it; nothing is checked yet but the types.
struct HeaderEntry {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape;
  std::optional<std::vector<std::uint64_t>> offsets;
};

struct HeaderContent {
  std::vector<HeaderEntry> entries;  ///< in the order of the header
  std::map<std::string, std::string> metadata;
};

/// Reads the JSON header of a safetensors file. \throws Error(bad_data) where it is not JSON of the right
/// form or says anything twice.
[[nodiscard]] HeaderContent read_header(std::string_view json, const std::string& where);

}  // namespace reckon
