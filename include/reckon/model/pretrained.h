#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "reckon/model/decoder.h"
#include "reckon/model/weight_files.h"

namespace reckon {

/// The text files of a model folder, by name: config.json, generation_config.json and what belongs to the
/// tokenizer. A folder that is saved has them byte for byte as they were read, but for the dtype in
/// config.json. Where config.json or generation_config.json is not among them, it is made from the decoder.
using ModelFiles = std::map<std::string, std::string>;

/// Reads those of a folder that are there. \throws Error(missing_input) where there is no such folder or no
/// config.json in it.
[[nodiscard]] ModelFiles read_model_files(const std::filesystem::path& folder);

/// The safetensors dtype of a recipe's word.
[[nodiscard]] TensorDtype tensor_dtype(CheckpointDtype dtype);

struct SaveOptions {
  TensorDtype dtype = TensorDtype::f32;  ///< F32 keeps the weights exactly; BF16 and F16 round them
  std::uint64_t max_shard_bytes = kMaxShardBytes;
};

/// Weights by their tensors, wherever they lie.
struct ModelWeights {
  const DecoderConfig& config;
  std::span<const ParameterTensor> tensors;
  std::span<const float> parameters;  ///< as in Decoder
};

/// Writes the files of a Hugging Face model folder that transformers loads as it is into a folder that is
/// there: the text files and the weights, in shards where they are large. Each is durable. \throws Error(io)
void write_model_files(const std::filesystem::path& folder, const ModelWeights& weights,
                       const ModelFiles& files, const SaveOptions& options = {});

/// Writes them as a new folder. The folder appears whole or not at all: it is written beside its place and
/// renamed. Failpoint `checkpoint.rename`. \throws Error(io); Error(environment) where the folder exists.
void save_pretrained(const std::filesystem::path& folder, const Decoder& decoder, const ModelFiles& files,
                     const SaveOptions& options = {});

/// The configuration of a model folder; the ids that end a completion are those of generation_config.json
/// where it names some. \throws Error(missing_input), Error(bad_data)
[[nodiscard]] DecoderConfig load_decoder_config(const std::filesystem::path& folder);

/// What Decoder::sha256() says of these weights, without a decoder: names, shapes and values as float32. The
/// same for any dtype that holds the values exactly and for any cut into shards; it is the hash in rollout
/// logs.
[[nodiscard]] std::string weights_sha256(const DecoderConfig& config, const WeightFiles& weights);

/// \param where  stands before the message: where the weights come from
/// \throws Error(bad_data) with the first tensor that has a value that is not finite: nothing could be
/// computed with it.
void check_finite_weights(const Decoder& decoder, const std::string& where);

/// Reads configuration and weights of a model folder, as float32.
/// \throws Error(missing_input), Error(bad_data) with every tensor that does not fit, or as
/// check_finite_weights().
[[nodiscard]] std::unique_ptr<Decoder> load_pretrained(const std::filesystem::path& folder,
                                                       Precision precision = {});

}  // namespace reckon
