#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "reckon/text/chat_template.h"
#include "reckon/text/tokenizer.h"

namespace reckon {

/// What a Hugging Face model folder says of text.
struct TextFolder {
  Tokenizer tokenizer;
  std::optional<ChatTemplate> chat_template = std::nullopt;
  // "" where the folder names none.
  std::string bos_token = {};
  std::string eos_token = {};
  std::string unk_token = {};
  std::string pad_token = {};
};

/// Reads tokenizer.json; the names of the special tokens from tokenizer_config.json or, in older folders,
/// special_tokens_map.json; the chat template from chat_template.jinja, else from tokenizer_config.json
/// (text, or the one named "default" of a list). \throws Error(missing_input), Error(bad_data)
[[nodiscard]] TextFolder load_text_folder(const std::filesystem::path& folder);

}  // namespace reckon
