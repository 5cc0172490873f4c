#include "rollout_schema.h"

#include <ctime>

#include "reckon/base/sha256.h"

namespace reckon {
namespace {

constexpr const char* kRoot = "/";

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, size};
}

void write_root_attributes(hdf5::File& file, const RolloutLogInfo& info, std::uint64_t segment) {
  file.write_attribute(kRoot, "schema", std::string(kRolloutSchema));
  file.write_attribute(kRoot, "run_id", info.run_id);
  file.write_attribute(kRoot, "stage", info.stage);
  file.write_attribute(kRoot, "rank", info.rank);
  file.write_attribute(kRoot, "world_size", info.world_size);
  file.write_attribute(kRoot, "segment", segment);
  file.write_attribute(kRoot, "recipe_sha256", sha256_hex(info.recipe_text));
  file.write_attribute(kRoot, "tokenizer_sha256", info.tokenizer_sha256);
  file.write_attribute(kRoot, "grader_version", info.grader_version);
  file.write_attribute(kRoot, "fingerprint", info.fingerprint);
  file.write_attribute(kRoot, "created", info.created.empty() ? utc_now() : info.created);
}

/// One attribute for each value that the enum column may hold: its name, with its number.
template <class Enum>
void write_enum_codes(hdf5::File& file, const std::string& column) {
  for (const auto& entry : enum_names(Enum{})) {
    file.write_attribute(column, std::string(entry.name), static_cast<std::uint64_t>(entry.value));
  }
}

hsize_t chunk_elements(ChunkSize chunk_size, Element element) {
  if (chunk_size == ChunkSize::live) return element == Element::value ? 4096 : 256;
  return element == Element::value ? 16384 : 1024;
}

}  // namespace

void create_rollout_tables(hdf5::File& file, RolloutTables& tables, const RolloutLogInfo& info,
                           std::uint64_t segment, const std::vector<std::string>& reward_term_names,
                           ChunkSize chunk_size) {
  write_root_attributes(file, info, segment);
  file.write_text("recipe", info.recipe_text);
  file.make_group("rewards");
  if (info.versions == LoggedVersions::token) tables.tokens.policy_version.emplace();
  std::string terms;
  for (const std::string& name : reward_term_names) {
    terms += (terms.empty() ? "" : ",") + name;
    tables.rewards.emplace_back(name, Column<float>{});
  }
  file.write_attribute("rewards", "terms", terms);
  visit_all(tables, [&]<class T>(const std::string& name, Column<T>& column, Element element) {
    column.dataset = file.make_dataset(name, hdf5::type_of<T>(), chunk_elements(chunk_size, element));
  });
  write_enum_codes<FinishReason>(file, "completions/finish_reason");
  write_enum_codes<Grade>(file, "completions/grade");
  write_enum_codes<Verdict>(file, "completions/verdict");
}

bool has_token_versions(const hdf5::File& file) {
  return file.has_dataset("tokens/policy_version");
}

void open_rollout_tables(const hdf5::File& file, RolloutTables& tables,
                         const std::vector<std::string>& reward_term_names) {
  for (const std::string& name : reward_term_names) tables.rewards.emplace_back(name, Column<float>{});
  if (has_token_versions(file)) tables.tokens.policy_version.emplace();
  visit_all(tables, [&]<class T>(const std::string& name, Column<T>& column, Element) {
    column.dataset = file.open_dataset(name, hdf5::type_of<T>());
  });
}

std::vector<std::string> read_reward_term_names(const hdf5::File& file) {
  std::vector<std::string> names;
  std::string rest = file.read_text_attribute("rewards", "terms");
  while (!rest.empty()) {
    const std::size_t comma = rest.find(',');
    names.push_back(rest.substr(0, comma));
    rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
  }
  return names;
}

}  // namespace reckon
