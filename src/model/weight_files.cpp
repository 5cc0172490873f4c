#include "reckon/model/weight_files.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

#include "config_fields.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kSingleFile = "model.safetensors";
constexpr const char* kIndexFile = "model.safetensors.index.json";
// An index has about 100 bytes a tensor.
constexpr std::size_t kMaxIndexBytes = std::size_t{64} << 20;

/// A name that stays in its folder: transformers would follow any path.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of("/\\") == std::string::npos &&
         name.find('\0') == std::string::npos;
}

/// tensor -> shard, as the index says.
std::map<std::string, std::string> read_index(const fs::path& path) {
  const std::string where = path.string();
  const json object = parse_object(read_file(path, kMaxIndexBytes), where);
  const auto map = object.find("weight_map");
  if (map == object.end() || !map->is_object() || map->empty()) {
    throw Error(ExitCode::bad_data,
                where + ": no \"weight_map\" (need an object of tensor names and file names)");
  }
  std::map<std::string, std::string> shards;
  Problems problems;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string()) {
      problems.push_back("tensor " + shown(tensor) + " is in " + shown(file) + " (need a file name)");
    } else if (!is_plain_name(file.get<std::string>())) {
      problems.push_back("tensor " + shown(tensor) + " is in " + shown(file) +
                         " (need the name of a file of this folder, without a path)");
    } else {
      shards[tensor] = file.get<std::string>();
    }
  }
  throw_problems(ExitCode::bad_data, problems, where);
  return shards;
}

/// Each tensor must be in the shard that the index names, and in no other.
void check_index(const std::map<std::string, std::string>& index, const std::vector<SafetensorsFile>& files,
                 const std::string& where) {
  Problems problems;
  std::map<std::string, std::string> found;
  for (const SafetensorsFile& file : files) {
    const std::string name = file.path().filename().string();
    for (const TensorView& tensor : file.tensors()) {
      const auto [first, is_new] = found.emplace(tensor.name, name);
      if (!is_new) {
        problems.push_back("tensor " + shown(tensor.name) + " is in " + first->second + " and in " + name +
                           " (need it once)");
        continue;
      }
      const auto expected = index.find(tensor.name);
      if (expected == index.end()) {
        problems.push_back("tensor " + shown(tensor.name) + " of " + name + " is not in the index");
      } else if (expected->second != name) {
        problems.push_back("tensor " + shown(tensor.name) + " is in " + name + ", and the index says " +
                           expected->second);
      }
    }
  }
  for (const auto& [tensor, name] : index) {
    if (!found.contains(tensor)) problems.push_back("tensor " + shown(tensor) + " is missing in " + name);
  }
  throw_problems(ExitCode::bad_data, problems, where);
}

std::string shard_name(std::size_t number, std::size_t count) {
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", number + 1, count);
  return name;
}

}  // namespace

WeightFiles WeightFiles::open(const fs::path& folder) {
  WeightFiles weights;
  std::error_code ignored;
  const bool single = fs::exists(folder / kSingleFile, ignored);
  if (!single && !fs::exists(folder / kIndexFile, ignored)) {
    const bool pickle = fs::exists(folder / "pytorch_model.bin", ignored) ||
                        fs::exists(folder / "pytorch_model.bin.index.json", ignored);
    throw Error(ExitCode::missing_input, folder.string() + ": no weights (need " + kSingleFile + " or " +
                                             kIndexFile + ")" +
                                             (pickle ? ". pytorch_model.bin is a pickle, which may run "
                                                       "code: convert it to safetensors."
                                                     : ""));
  }
  if (single) {
    weights.path_ = folder / kSingleFile;
    weights.files_.push_back(SafetensorsFile::open(weights.path_));
  } else {
    weights.path_ = folder / kIndexFile;
    const auto index = read_index(weights.path_);
    std::vector<std::string> names;
    for (const auto& [tensor, name] : index) names.push_back(name);
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    for (const std::string& name : names) {
      if (!fs::exists(folder / name, ignored)) {
        throw Error(ExitCode::missing_input,
                    weights.path_.string() + ": shard " + name + " is missing. Was the download cut off?");
      }
      weights.files_.push_back(SafetensorsFile::open(folder / name));
    }
    check_index(index, weights.files_, weights.path_.string());
  }
  for (const SafetensorsFile& file : weights.files_) {
    weights.tensors_.insert(weights.tensors_.end(), file.tensors().begin(), file.tensors().end());
  }
  std::sort(weights.tensors_.begin(), weights.tensors_.end(),
            [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  return weights;
}

const TensorView* WeightFiles::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorView& view, std::string_view key) { return view.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

void write_weight_files(const fs::path& folder, std::span<const TensorView> tensors,
                        std::uint64_t max_shard_bytes) {
  std::vector<std::vector<TensorView>> shards(1);
  std::uint64_t total = 0;
  std::uint64_t in_shard = 0;
  for (const TensorView& tensor : tensors) {
    if (!shards.back().empty() && in_shard + tensor.data.size() > max_shard_bytes) {
      shards.emplace_back();
      in_shard = 0;
    }
    in_shard += tensor.data.size();
    total += tensor.data.size();
    shards.back().push_back(tensor);
  }
  if (shards.size() == 1) {
    write_safetensors(folder / kSingleFile, tensors);
    return;
  }
  json map = json::object();
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i, shards.size());
    write_safetensors(folder / name, shards[i]);
    for (const TensorView& tensor : shards[i]) map[tensor.name] = name;
  }
  const json index = {{"metadata", {{"total_size", total}}}, {"weight_map", map}};
  write_file_atomic(folder / kIndexFile, index.dump(2) + "\n");
}

}  // namespace reckon
