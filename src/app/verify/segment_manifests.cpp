// The manifests beside rollout logs.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "reckon/base/error.h"
#include "reckon/record/stage_log.h"
#include "stage_reader.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// The line as the run writes it of what was seen in the file. Size and hash have been compared.
std::string expected_line(const nlohmann::json& listed, const SegmentSeen& seen) {
  nlohmann::ordered_json line;
  line["file"] = listed["file"];
  line["segment"] = seen.number;
  line["steps"] = seen.steps;
  line["prompts"] = seen.prompts.size();
  line["completions"] = seen.completions;
  line["tokens"] = seen.tokens;
  line["bytes"] = listed["bytes"];
  line["sha256"] = listed["sha256"];
  return line.dump();
}

std::string first_difference(const std::string& line, const std::string& expected) {
  const auto is = nlohmann::json::parse(line, nullptr, false);
  const auto patch = nlohmann::json::diff(nlohmann::json::parse(expected), is);
  if (is.is_discarded() || patch.empty()) return "is not written as the run writes it";
  return "has another " + patch.front()["path"].get<std::string>().substr(1) + " than the file";
}

}  // namespace

void check_segment_manifests(const fs::path& folder, const LogFolder& files,
                             const std::map<std::string, SegmentSeen>& seen, Check& check) {
  std::vector<std::string> crashed;  // renamed, and not listed yet
  for (const auto& [rank, segments] : files.ranks) {
    for (const auto& [number, segment] : segments) {
      if (segment.part_beside) crashed.push_back(segment.file.string() + ": is not in ");
    }
  }
  bool listed_well = true;
  for (const std::string& problem : rollout_manifest_problems(folder)) {
    const bool is_crash =
        std::ranges::any_of(crashed, [&](const std::string& start) { return problem.starts_with(start); });
    if (!is_crash) check.fail(problem);
    listed_well = listed_well && is_crash;
  }
  if (!listed_well) return;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with("manifest-")) continue;
    std::ifstream in(entry.path(), std::ios::binary);
    std::size_t number = 1;
    for (std::string line; std::getline(in, line); ++number) {
      const auto json = nlohmann::json::parse(line, nullptr, false);
      const std::string file = json.is_object() ? json.value("file", "") : "";
      const auto found = seen.find(file);
      if (in.eof() || found == seen.end() || found->second.damaged) continue;  // cut off, or said already
      const std::string expected = expected_line(json, found->second);
      if (line != expected)
        check.fail(name + ":" + std::to_string(number) + ": " + first_difference(line, expected));
    }
  }
}

}  // namespace reckon
