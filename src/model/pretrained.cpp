#include "reckon/model/pretrained.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/model/weights_hash.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{256} << 20;
constexpr const char* kConfig = "config.json";
constexpr const char* kGenerationConfig = "generation_config.json";
constexpr std::array kTexts = {kConfig,
                               kGenerationConfig,
                               "tokenizer.json",
                               "tokenizer_config.json",
                               "special_tokens_map.json",
                               "added_tokens.json",
                               "vocab.json",
                               "merges.txt",
                               "chat_template.jinja"};

void check_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ExitCode::missing_input,
                folder.string() +
                    ": no such folder (need a Hugging Face model folder: config.json, "
                    "tokenizer.json, safetensors weights)");
  }
}

void write_texts(const fs::path& folder, DecoderConfig config, ModelFiles files, TensorDtype dtype) {
  config.dtype = dtype;
  files[kConfig] = to_config_json(config, files[kConfig]);
  if (!files.contains(kGenerationConfig)) files[kGenerationConfig] = generation_config_json(config);
  for (const auto& [name, text] : files) write_file_atomic(folder / name, text);
}

void write_weights(const fs::path& folder, const ModelWeights& weights, const SaveOptions& options) {
  std::vector<std::vector<std::byte>> rounded;
  std::vector<TensorView> views;
  for (const ParameterTensor& tensor : weights.tensors) {
    TensorView view;
    view.name = tensor.name;
    view.dtype = options.dtype;
    view.shape = tensor.shape;
    const auto values = weights.parameters.subspan(tensor.offset, tensor.size);
    if (options.dtype == TensorDtype::f32) {
      view.data = std::as_bytes(values);
    } else {
      rounded.push_back(from_float32(values, options.dtype));
      view.data = rounded.back();
    }
    views.push_back(std::move(view));
  }
  write_weight_files(folder, views, options.max_shard_bytes);
}

}  // namespace

TensorDtype tensor_dtype(CheckpointDtype dtype) {
  if (dtype == CheckpointDtype::bfloat16) return TensorDtype::bf16;
  return dtype == CheckpointDtype::float16 ? TensorDtype::f16 : TensorDtype::f32;
}

ModelFiles read_model_files(const fs::path& folder) {
  check_folder(folder);
  ModelFiles files;
  std::error_code ignored;
  for (const char* name : kTexts) {
    if (name == kConfig || fs::exists(folder / name, ignored)) {
      files[name] = read_file(folder / name, kMaxTextBytes);
    }
  }
  return files;
}

void write_model_files(const fs::path& folder, const ModelWeights& weights, const ModelFiles& files,
                       const SaveOptions& options) {
  write_texts(folder, weights.config, files, options.dtype);
  write_weights(folder, weights, options);
}

void save_pretrained(const fs::path& folder, const Decoder& decoder, const ModelFiles& files,
                     const SaveOptions& options) {
  if (fs::exists(folder)) {
    throw Error(ExitCode::environment,
                folder.string() + ": exists already (need a new folder for a checkpoint)");
  }
  const fs::path temporary = folder.string() + ".tmp";
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  make_folders(temporary);
  try {
    write_model_files(temporary, {decoder.config(), decoder.tensors(), decoder.parameters()}, files, options);
    failpoint("checkpoint.rename");
    std::error_code error;
    fs::rename(temporary, folder, error);
    if (error)
      throw Error(ExitCode::io, folder.string() + ": cannot rename its temporary folder: " + error.message());
  } catch (...) {
    fs::remove_all(temporary, ignored);
    throw;
  }
  fsync_path(folder.parent_path());
}

DecoderConfig load_decoder_config(const fs::path& folder) {
  check_folder(folder);
  const fs::path file = folder / kConfig;
  DecoderConfig config = parse_decoder_config(read_file(file, kMaxTextBytes), file.string());
  const fs::path generation = folder / kGenerationConfig;
  std::error_code ignored;
  if (fs::exists(generation, ignored)) {
    auto ids = parse_generation_eos(read_file(generation, kMaxTextBytes), generation.string());
    for (const std::int64_t id : ids) {
      if (id < config.vocab_size) continue;
      throw Error(ExitCode::bad_data, generation.string() + ": eos_token_id " + std::to_string(id) +
                                          " is not a token (need 0 to " +
                                          std::to_string(config.vocab_size - 1) + ", vocab_size - 1)");
    }
    if (!ids.empty()) config.eos_token_ids = std::move(ids);
  }
  return config;
}

std::string weights_sha256(const DecoderConfig& config, const WeightFiles& weights) {
  Sha256 hash;
  std::vector<float> values;
  for (const TensorSpec& spec : decoder_tensor_specs(config)) {
    const TensorView& view = *weights.find(spec.name);
    values.resize(view.data.size() / dtype_size(view.dtype));
    to_float32(view, weights.path().string(), values);
    hash_tensor(hash, spec.name, spec.shape, values);
  }
  return hash.hex_digest();
}

void check_finite_weights(const Decoder& decoder, const std::string& where) {
  const auto is_bad = [](float value) { return !std::isfinite(value); };
  for (const ParameterTensor& tensor : decoder.tensors()) {
    const auto values = decoder.parameters().subspan(tensor.offset, tensor.size);
    const auto count = std::count_if(values.begin(), values.end(), is_bad);
    if (count == 0) continue;
    const auto first = std::find_if(values.begin(), values.end(), is_bad);
    throw Error(ExitCode::bad_data,
                where + ": tensor \"" + tensor.name + "\" has " + std::to_string(count) + " of " +
                    std::to_string(values.size()) + " values that are not finite, the first " +
                    (std::isnan(*first) ? "nan" : "inf") + " at " + std::to_string(first - values.begin()) +
                    " (need finite numbers). Is the folder a checkpoint of a run that "
                    "diverged?");
  }
}

std::unique_ptr<Decoder> load_pretrained(const fs::path& folder, Precision precision) {
  const DecoderConfig config = load_decoder_config(folder);
  const WeightFiles weights = WeightFiles::open(folder);
  check_decoder_tensors(config, weights);
  auto decoder = std::make_unique<Decoder>(config, precision);
  for (const ParameterTensor& tensor : decoder->tensors()) {
    to_float32(*weights.find(tensor.name), weights.path().string(),
               decoder->parameters().subspan(tensor.offset, tensor.size));
  }
  check_finite_weights(*decoder, folder.string());
  decoder->repack();
  return decoder;
}

}  // namespace reckon
