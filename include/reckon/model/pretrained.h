#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "reckon/model/decoder.h"

namespace reckon {

/// The tokenizer's files of a model folder, as text.
struct TokenizerFiles {
  std::string tokenizer_json;
  std::string tokenizer_config_json;
};

/// Writes a Hugging Face model folder that transformers loads as it is: config.json, generation_config.json,
/// model.safetensors (float32), tokenizer.json, tokenizer_config.json. The folder appears whole or not at
/// all: it is written beside its place and renamed. Failpoint `checkpoint.rename`. \throws Error(io);
/// Error(environment) where the folder exists.
void save_pretrained(const std::filesystem::path& folder, const Decoder& decoder,
                     const TokenizerFiles& tokenizer);

/// Reads the weights of a model folder.
/// \throws Error(missing_input), Error(bad_data) with every tensor that does not fit.
[[nodiscard]] std::unique_ptr<Decoder> load_pretrained(const std::filesystem::path& folder);

}  // namespace reckon
