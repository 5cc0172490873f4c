#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/record/guarded_log.h"
#include "segment_copy.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxManifestBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxManifestLineBytes = 4096;

/// The rank in the name of a closed segment; nothing where it is no such name.
std::optional<std::uint64_t> rank_in(const std::string& name) {
  constexpr std::string_view kPrefix = "rank-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  const char* end = name.data() + name.size();
  std::uint64_t rank = 0;
  std::uint64_t segment = 0;
  const auto dot = std::from_chars(name.data() + kPrefix.size(), end, rank);
  if (dot.ec != std::errc() || dot.ptr == end) return std::nullopt;
  const auto rest = std::from_chars(dot.ptr + 1, end, segment);
  if (rest.ec != std::errc() || segment_file_name(rank, segment) != name) return std::nullopt;
  return rank;
}

struct ListedFile {
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// What a manifest says of a file: its last line that names it. Lines that are none are passed over, as the
/// one that a crash cut off is.
std::optional<ListedFile> find_listed(std::string_view manifest, const std::string& name) {
  std::optional<ListedFile> found;
  while (!manifest.empty()) {
    const std::string_view line = manifest.substr(0, manifest.find('\n'));
    manifest.remove_prefix(std::min(line.size() + 1, manifest.size()));
    if (line.size() > kMaxManifestLineBytes) continue;
    const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_object() || entry.value("file", nlohmann::json()) != name) continue;
    const auto bytes = entry.value("bytes", nlohmann::json());
    const auto sha256 = entry.value("sha256", nlohmann::json());
    found.reset();
    if (bytes.is_number_unsigned() && sha256.is_string()) {
      found = ListedFile{bytes.get<std::uint64_t>(), sha256.get<std::string>()};
    }
  }
  return found;
}

/// A log of ours, which is read in this process.
class OwnLog : public RolloutLogSource {
 public:
  explicit OwnLog(const fs::path& file) : reader_(file) {}
  [[nodiscard]] const RolloutLogInfo& info() const override { return reader_.info(); }
  [[nodiscard]] std::uint64_t segment() const override { return reader_.segment(); }
  [[nodiscard]] const std::vector<std::string>& reward_term_names() const override {
    return reader_.reward_term_names();
  }
  [[nodiscard]] std::uint64_t num_steps() const override { return reader_.num_steps(); }
  [[nodiscard]] std::vector<std::uint64_t> step_numbers() const override { return reader_.step_numbers(); }
  [[nodiscard]] std::vector<std::uint64_t> group_places(std::uint64_t index) const override {
    return reader_.group_places(index);
  }
  [[nodiscard]] RolloutStep read(std::uint64_t index) const override { return reader_.read(index); }

 private:
  RolloutLogReader reader_;
};

}  // namespace

bool is_listed(const fs::path& file) {
  const std::string name = file.filename().string();
  const auto rank = rank_in(name);
  if (!rank) return false;
  try {
    const std::string manifest = read_file(file.parent_path() / manifest_file_name(*rank), kMaxManifestBytes);
    const auto listed = find_listed(manifest, name);
    return listed && fs::file_size(file) == listed->bytes && sha256_of_file(file) == listed->sha256;
  } catch (const Error&) {
    return false;  // what cannot be read vouches for nothing
  } catch (const fs::filesystem_error&) {
    return false;
  }
}

std::unique_ptr<RolloutLogSource> open_log(const fs::path& file, LogTrust trust, const GuardLimits& limits) {
  if (trust == LogTrust::listed && is_listed(file)) return open_own_log(file);
  return open_guarded_log(file, limits);
}

std::unique_ptr<RolloutLogSource> open_own_log(const fs::path& file) {
  return std::make_unique<OwnLog>(file);
}

}  // namespace reckon
