#include "segment_manifest.h"

#include <nlohmann/json.hpp>

#include "log_folder.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/record/stage_log.h"
#include "segment_copy.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

bool is_manifest_line(const nlohmann::json& object) {
  const auto has = [&](const char* key) { return object.contains(key); };
  return object.is_object() && has("file") && object["file"].is_string() && has("bytes") &&
         object["bytes"].is_number_unsigned() && has("sha256") && object["sha256"].is_string();
}

}  // namespace

std::map<std::string, ListedSegment> read_segment_manifest(const fs::path& manifest) {
  std::map<std::string, ListedSegment> listed;
  const std::string text = read_file(manifest);
  std::size_t number = 1;
  std::size_t start = 0;
  for (std::size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1, ++number) {
    const std::string line = text.substr(start, end - start);
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!is_manifest_line(object)) {
      throw Error(ExitCode::bad_data, manifest.string() + ":" + std::to_string(number) +
                                          ": is no line of a manifest (need a JSON object with \"file\", "
                                          "\"bytes\" and \"sha256\"). Is the file damaged?");
    }
    listed[object["file"]] = {line, object["bytes"], object["sha256"]};
  }
  return listed;
}

std::string listed_size_problem(const fs::path& file, const ListedSegment& listed) {
  if (!fs::exists(file)) return file.string() + ": is not there, but the manifest lists it";
  const std::uint64_t bytes = fs::file_size(file);
  if (bytes == listed.bytes) return "";
  return file.string() + ": has " + std::to_string(bytes) + " bytes (need " + std::to_string(listed.bytes) +
         ", as the manifest says). Was it changed after it was written?";
}

std::vector<std::string> rollout_manifest_problems(const fs::path& folder) {
  std::vector<std::string> problems;
  for (const auto& [rank, files] : list_log_folder(folder)) {
    std::map<std::string, ListedSegment> listed;
    try {
      if (files.manifest) listed = read_segment_manifest(folder / manifest_file_name(rank));
    } catch (const Error& error) {
      problems.push_back(error.what());
      continue;
    }
    for (const auto& [name, segment] : listed) {
      std::string problem = listed_size_problem(folder / name, segment);
      if (problem.empty() && sha256_of_file(folder / name) != segment.sha256) {
        problem = (folder / name).string() +
                  ": its SHA-256 is not the one that the manifest says. Was it changed after it was written?";
      }
      if (!problem.empty()) problems.push_back(problem);
    }
    for (const auto& [number, there] : files.segments) {
      const std::string name = segment_file_name(rank, number);
      if (there.closed && !listed.contains(name)) {
        problems.push_back((folder / name).string() + ": is not in " + manifest_file_name(rank));
      }
    }
  }
  return problems;
}

}  // namespace reckon
