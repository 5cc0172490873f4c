#include "log_folder.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// Takes the decimal number that the text begins with.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view expected) {
  if (!text.starts_with(expected)) return false;
  text.remove_prefix(expected.size());
  return true;
}

void add_segment_file(const fs::path& path, std::string_view rest,
                      std::map<std::uint64_t, RankFiles>& ranks) {
  const auto rank = take_number(rest);
  if (!rank || !take(rest, ".")) return;
  const auto number = take_number(rest);
  if (!number || !take(rest, ".h5")) return;
  if (rest != "" && rest != ".part" && rest != ".tmp") return;
  RankFiles& files = ranks[*rank];
  SegmentFiles& segment = files.segments[*number];
  if (rest.empty()) segment.closed = true;
  if (rest == ".part") segment.part = true;
  if (rest == ".tmp") files.leftovers.push_back(path);
}

void add_manifest_file(const fs::path& path, std::string_view rest,
                       std::map<std::uint64_t, RankFiles>& ranks) {
  const auto rank = take_number(rest);
  if (!rank || !take(rest, ".jsonl") || (rest != "" && rest != ".tmp")) return;
  if (rest.empty()) ranks[*rank].manifest = true;
  if (rest == ".tmp") ranks[*rank].leftovers.push_back(path);
}

}  // namespace

std::map<std::uint64_t, RankFiles> list_log_folder(const fs::path& folder) {
  std::map<std::uint64_t, RankFiles> ranks;
  if (!fs::is_directory(folder)) return ranks;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    std::string_view rest = name;
    if (take(rest, "rank-")) {
      add_segment_file(entry.path(), rest, ranks);
    } else if (take(rest, "manifest-rank-")) {
      add_manifest_file(entry.path(), rest, ranks);
    }
  }
  return ranks;
}

}  // namespace reckon
