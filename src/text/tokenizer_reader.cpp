#include "tokenizer_reader.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "reckon/base/error.h"
#include "reckon/text/json.h"
#include "reckon/text/utf8.h"
#include "token_model.h"

namespace reckon {
namespace {

using nlohmann::json;

/// The type of a part of the pipeline, for messages.
std::string type_of(const json& part) {
  if (part.is_object() && part.contains("type") && part["type"].is_string()) {
    return "\"" + part["type"].get<std::string>() + "\"";
  }
  return "of unknown type";
}

std::string in_quotes(const std::string& text) {
  return "\"" + text + "\"";
}

/// The value under a key; null where there is none.
const json& member(const json& object, const char* key) {
  static const json kNull;
  const auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

}  // namespace

void TokenizerReader::fail(const std::string& what) const {
  throw Error(ExitCode::bad_data, where_ + ": " + what);
}

Tokenizer TokenizerReader::read(std::string_view text, std::string_view eos_token) {
  const json file = parse_json(text, where_);
  if (!file.is_object()) fail(std::string("the file holds a JSON ") + file.type_name() + " (need an object)");
  check_pipeline(file);
  const json& model = member(file, "model");
  if (!model.is_object()) fail("no \"model\" (need an object of that name)");
  check_model(model);
  read_vocab(model);
  read_added_tokens(member(file, "added_tokens"));
  check_ids();
  make_model();
  const auto eos = tokenizer_.token_id(eos_token);
  if (!eos) fail("the vocabulary has no end-of-sequence token " + in_quotes(std::string(eos_token)));
  tokenizer_.eos_id_ = *eos;
  tokenizer_.json_ = std::string(text);
  return std::move(tokenizer_);
}

void TokenizerReader::check_pipeline(const json& file) const {
  for (const char* key : {"normalizer", "pre_tokenizer", "post_processor", "truncation", "padding"}) {
    const json& part = member(file, key);
    if (part.is_null()) continue;
    const std::string type = part.is_object() && part.contains("type") ? " " + type_of(part) : "";
    fail(std::string(key) + type + " is not supported (need null: character-level tokenizers only)");
  }
  const json& decoder = member(file, "decoder");
  if (!decoder.is_object() || type_of(decoder) != "\"Fuse\"") {
    fail("decoder " + (decoder.is_null() ? "null" : type_of(decoder)) + " is not supported (need \"Fuse\")");
  }
}

void TokenizerReader::check_model(const json& model) const {
  if (type_of(model) != "\"BPE\"") fail("model " + type_of(model) + " is not supported (need \"BPE\")");
  for (const char* key :
       {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"}) {
    const json& value = member(model, key);
    if (!value.is_null() && value != json(false) && value != json("")) {
      fail(std::string("model.") + key + " = " + value.dump() + " is not supported (need null)");
    }
  }
  const json& merges = member(model, "merges");
  if (!merges.is_array()) fail("model.merges is missing or no array (need an array)");
  if (!merges.empty()) {
    fail(std::to_string(merges.size()) +
         " merges are not supported (need none: character-level tokenizers only)");
  }
}

std::uint32_t TokenizerReader::token_id(const json& value, const std::string& token) const {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0x7FFFFFFFu) {
    fail("token " + in_quotes(token) + " has id " + value.dump() + " (need a whole number, 0 .. 2147483647)");
  }
  return value.get<std::uint32_t>();
}

void TokenizerReader::read_vocab(const json& model) {
  const json& vocab = member(model, "vocab");
  if (!vocab.is_object()) fail("model.vocab is missing or no object (need token: id pairs)");
  for (const auto& [text, value] : vocab.items()) {
    if (text.empty()) fail("the vocabulary holds an empty token");
    add_token(text, token_id(value, text));
  }
}

void TokenizerReader::add_token(const std::string& text, std::uint32_t id) {
  const auto [found, is_new] = by_id_.emplace(id, text);
  if (!is_new) {
    fail("tokens " + in_quotes(found->second) + " and " + in_quotes(text) + " both have id " +
         std::to_string(id));
  }
  tokenizer_.ids_.emplace(text, id);
}

void TokenizerReader::read_added_tokens(const json& list) {
  if (!list.is_array()) fail("added_tokens is missing or no array (need an array)");
  for (const json& entry : list) read_added_token(entry);
  std::stable_sort(tokenizer_.added_.begin(), tokenizer_.added_.end(),
                   [](const auto& a, const auto& b) { return a.text.size() > b.text.size(); });
}

void TokenizerReader::read_added_token(const json& entry) {
  const std::string place = where_ + ": added_tokens";
  if (!entry.is_object()) fail("added_tokens holds " + entry.dump() + " (need objects)");
  const std::string& text = json_string(entry, "content", place);
  if (text.empty()) fail("added_tokens holds an empty token");
  for (const auto& other : tokenizer_.added_) {
    if (other.text == text) fail("added token " + in_quotes(text) + " stands twice");
  }
  for (const char* key : {"lstrip", "rstrip", "single_word", "normalized"}) {
    const json& value = member(entry, key);
    if (!value.is_null() && value != json(false)) {
      fail("added token " + in_quotes(text) + ": " + key + " = " + value.dump() +
           " is not supported (need false)");
    }
  }
  const json& special = member(entry, "special");
  if (!special.is_boolean()) fail("added token " + in_quotes(text) + ": no \"special\" (need true or false)");
  const std::uint32_t id = token_id(member(entry, "id"), text);
  const auto in_vocab = tokenizer_.token_id(text);
  if (!in_vocab) {
    // `tokenizers` numbers such a token itself, with a mere warning where the file says otherwise.
    if (id != by_id_.size()) {
      fail("added token " + in_quotes(text) + " is not in model.vocab and has id " + std::to_string(id) +
           " (need the next free id, " + std::to_string(by_id_.size()) + ")");
    }
    add_token(text, id);
  } else if (*in_vocab != id) {
    fail("added token " + in_quotes(text) + " has id " + std::to_string(id) + ", in model.vocab " +
         std::to_string(*in_vocab) + " (need the same)");
  }
  tokenizer_.added_.push_back({text, id, special.get<bool>()});
}

void TokenizerReader::check_ids() {
  std::uint32_t expected = 0;
  for (const auto& [id, text] : by_id_) {
    if (id != expected) {
      fail("no token has id " + std::to_string(expected) + ", the next is " + std::to_string(id) +
           " (need ids 0 .. n-1 without a gap)");
    }
    tokenizer_.tokens_.push_back(text);
    ++expected;
  }
  tokenizer_.special_.assign(by_id_.size(), false);
  for (const auto& token : tokenizer_.added_) tokenizer_.special_[token.id] = token.special;
}

void TokenizerReader::make_model() {
  std::map<char32_t, std::uint32_t> characters;
  for (const auto& [id, text] : by_id_) {
    const auto character = utf8_character_at(text, 0);
    if (character && character->num_bytes == text.size()) {
      characters.emplace(character->code_point, id);
      continue;
    }
    const bool is_added = std::any_of(tokenizer_.added_.begin(), tokenizer_.added_.end(),
                                      [&](const auto& token) { return token.text == text; });
    if (!is_added) {
      fail("token " + in_quotes(text) + " (id " + std::to_string(id) +
           ") has several characters (need single characters: character-level tokenizers only)");
    }
  }
  tokenizer_.model_ = make_character_model(characters);
}

}  // namespace reckon
