#include "reckon/checkpoint/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <span>

#include "layout.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/model/pretrained.h"
#include "reckon/model/safetensors.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxManifestBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxStateBytes = std::size_t{256} << 20;

[[noreturn]] void reject(const fs::path& file, const std::string& what) {
  throw Error(ExitCode::bad_data, file.string() + ": " + what + ". Is the file damaged?");
}

/// The step of a folder's name; -1 where it is none.
std::int64_t step_of(const std::string& name) {
  constexpr std::string_view kPrefix = "step-";
  if (!name.starts_with(kPrefix)) return -1;
  const std::string digits = name.substr(kPrefix.size());
  if (digits.size() < 6 || digits.size() > 15 || digits.find_first_not_of("0123456789") != std::string::npos)
    return -1;
  return std::stoll(digits);
}

/// The values of a tensor that must be there, of this type.
template <class T>
std::vector<T> tensor_values(const SafetensorsFile& file, const char* name, TensorDtype dtype) {
  const TensorView* tensor = file.find(name);
  if (tensor == nullptr || tensor->dtype != dtype || tensor->shape.size() != 1)
    reject(file.path(), "has no list \"" + std::string(name) + "\" of " + std::string(dtype_name(dtype)));
  std::vector<T> values(tensor->data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor->data.data(), tensor->data.size());
  return values;
}

/// A list that the ranks wrote their parts of, one behind the other.
struct SharedList {
  const char* name;
  std::span<float> values;
};

/// Puts the ranks' parts of lists of one length together. Where they were cut does not matter: a version may
/// cut them elsewhere than the one that wrote them.
void read_shares(const Checkpoint& checkpoint, const std::string& kind, std::span<const SharedList> lists) {
  const int ranks = checkpoint.state.world_size;
  std::vector<std::size_t> done(lists.size());
  for (int rank = 0; rank < ranks; ++rank) {
    const auto file = SafetensorsFile::open(checkpoint.folder / share_file(kind, rank, ranks));
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const std::vector<float> part = tensor_values<float>(file, lists[i].name, TensorDtype::f32);
      const std::size_t left = lists[i].values.size() - done[i];
      if (part.size() > left || (rank + 1 == ranks && part.size() < left)) {
        reject(file.path(), "\"" + std::string(lists[i].name) + "\" has " + std::to_string(part.size()) +
                                " values (need " + (part.size() > left ? "at most " : "") +
                                std::to_string(left) + " behind those of the ranks before)");
      }
      std::ranges::copy(part, lists[i].values.subspan(done[i]).begin());
      done[i] += part.size();
    }
  }
}

StreamCursor read_cursor(const fs::path& folder, std::uint64_t number) {
  const auto file = SafetensorsFile::open(folder / kVisitsFile);
  const auto ids = tensor_values<std::uint64_t>(file, "problem_id", TensorDtype::u64);
  const auto times = tensor_values<std::uint64_t>(file, "times_drawn", TensorDtype::u64);
  if (ids.size() != times.size()) reject(file.path(), "has lists of different lengths");
  StreamCursor cursor{.number = number, .visits = {}};
  for (std::size_t i = 0; i < ids.size(); ++i) cursor.visits.emplace_back(ids[i], times[i]);
  return cursor;
}

}  // namespace

std::string share_file(const std::string& kind, int rank, int size) {
  char numbers[40];
  std::snprintf(numbers, sizeof numbers, "-%05d-of-%05d.safetensors", rank, size);
  return "reckon/" + kind + numbers;
}

std::string past_weights_file(std::int64_t step) {
  char number[40];
  std::snprintf(number, sizeof number, "%06lld", static_cast<long long>(step));
  return "reckon/past-weights-" + std::string(number) + ".safetensors";
}

std::string step_folder(long long step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%06lld", step);
  return name;
}

std::string CheckpointName::text() const {
  return stage + "/" + step_folder(step);
}

std::vector<CheckpointName> list_checkpoints(const fs::path& folder) {
  std::vector<CheckpointName> names;
  std::error_code ignored;
  for (const auto& stage : fs::directory_iterator(folder, ignored)) {
    if (!stage.is_directory(ignored)) continue;
    for (const auto& entry : fs::directory_iterator(stage.path(), ignored)) {
      const std::int64_t step = step_of(entry.path().filename().string());
      if (step >= 0) names.push_back({stage.path().filename().string(), step});
    }
  }
  std::ranges::sort(names, {}, [](const CheckpointName& name) { return std::pair(name.stage, name.step); });
  return names;
}

void remove_unfinished_checkpoints(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> leftovers;
  for (const auto& stage : fs::directory_iterator(folder, ignored)) {
    if (!stage.is_directory(ignored)) continue;
    for (const auto& entry : fs::directory_iterator(stage.path(), ignored)) {
      const std::string ending = entry.path().extension().string();
      if (ending == kUnfinished || ending == kRemoved) leftovers.push_back(entry.path());
    }
  }
  for (const fs::path& leftover : leftovers) {
    std::error_code error;
    fs::remove_all(leftover, error);
    if (error) throw Error(ExitCode::io, leftover.string() + ": cannot be removed: " + error.message());
  }
}

Checkpoint open_checkpoint(const fs::path& folder, CheckFiles check) {
  Checkpoint checkpoint;
  checkpoint.folder = folder;
  const fs::path file = folder / kCheckpointManifest;
  const std::string text = read_file(file, kMaxManifestBytes);
  checkpoint.manifest = parse_manifest(text, std::string(kCheckpointSchema), file.string());
  checkpoint.manifest_sha256 = sha256_hex(text);
  if (check == CheckFiles::all) {
    const std::vector<std::string> problems =
        manifest_problems(folder, checkpoint.manifest, std::string(kCheckpointManifest));
    if (!problems.empty()) throw Error(ExitCode::bad_data, problems.front());
  }
  const fs::path state = folder / kStateFile;
  checkpoint.state = parse_train_state(read_file(state, kMaxStateBytes), state.string());
  checkpoint.state.cursor = read_cursor(folder, checkpoint.state.cursor.number);
  return checkpoint;
}

void load_weights(const Checkpoint& checkpoint, Decoder& decoder) {
  const std::span<float> parameters = decoder.parameters();
  const fs::path first_share = checkpoint.folder / share_file(kWeightsKind, 0, checkpoint.state.world_size);
  if (fs::exists(first_share)) {
    read_shares(checkpoint, kWeightsKind, std::array{SharedList{"weights", parameters}});
  } else {
    const WeightFiles weights = WeightFiles::open(checkpoint.folder);
    check_decoder_tensors(decoder.config(), weights);
    for (const ParameterTensor& tensor : decoder.tensors()) {
      to_float32(*weights.find(tensor.name), weights.path().string(),
                 parameters.subspan(tensor.offset, tensor.size));
    }
  }
  const std::string sha256 = decoder.sha256();
  if (sha256 != checkpoint.state.weights_sha256) {
    reject(checkpoint.folder, "its weights have the SHA-256 " + sha256 + " (need " +
                                  checkpoint.state.weights_sha256 + ", as " + kStateFile + " says)");
  }
}

std::vector<float> load_past_weights(const Checkpoint& checkpoint, const PastWeights& past,
                                     std::size_t parameters) {
  const auto file = SafetensorsFile::open(checkpoint.folder / past_weights_file(past.step));
  std::vector<float> weights = tensor_values<float>(file, "weights", TensorDtype::f32);
  if (weights.size() != parameters) {
    reject(file.path(), "\"weights\" has " + std::to_string(weights.size()) + " values (need " +
                            std::to_string(parameters) + ")");
  }
  return weights;
}

Moments load_moments(const Checkpoint& checkpoint, std::size_t parameters) {
  Moments moments{std::vector<float>(parameters), std::vector<float>(parameters)};
  read_shares(
      checkpoint, kMomentsKind,
      std::array{SharedList{"first_moment", moments.first}, SharedList{"second_moment", moments.second}});
  return moments;
}

}  // namespace reckon
