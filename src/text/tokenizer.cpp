#include "reckon/text/tokenizer.h"

#include <nlohmann/json.hpp>
#include <set>

#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/text/utf8.h"
#include "token_model.h"
#include "tokenizer_reader.h"

namespace reckon {
namespace {

using nlohmann::ordered_json;

ordered_json added_token_entry(std::string_view text) {
  return {{"content", text}, {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false},  {"special", true}};
}

}  // namespace

Tokenizer Tokenizer::character_level(std::string_view alphabet) {
  const std::u32string characters = utf8_to_code_points(alphabet, "alphabet");
  ordered_json added = ordered_json::array();
  ordered_json vocab = ordered_json::object();
  // `tokenizers` takes the id of an added token from the model's vocabulary, so the added tokens stand in
  // both.
  for (const std::string_view token : {kThinkOpen, kThinkClose, kAnswerOpen, kAnswerClose, kEosToken}) {
    ordered_json entry = {{"id", vocab.size()}};
    entry.update(added_token_entry(token));
    added.push_back(std::move(entry));
    vocab[std::string(token)] = vocab.size();
  }
  for (const char32_t code_point : std::set<char32_t>(characters.begin(), characters.end())) {
    std::string text;
    append_utf8(text, code_point);
    const std::size_t id = vocab.size();
    vocab[text] = id;
  }
  const ordered_json file = {{"version", "1.0"},
                             {"truncation", nullptr},
                             {"padding", nullptr},
                             {"added_tokens", added},
                             {"normalizer", nullptr},
                             {"pre_tokenizer", nullptr},
                             {"post_processor", nullptr},
                             {"decoder", {{"type", "Fuse"}}},
                             {"model",
                              {{"type", "BPE"},
                               {"dropout", nullptr},
                               {"unk_token", nullptr},
                               {"continuing_subword_prefix", nullptr},
                               {"end_of_word_suffix", nullptr},
                               {"fuse_unk", false},
                               {"byte_fallback", false},
                               {"ignore_merges", false},
                               {"vocab", vocab},
                               {"merges", ordered_json::array()}}}};
  return from_json(file.dump(2) + "\n", "tokenizer.json");
}

Tokenizer Tokenizer::from_json(std::string_view json, std::string_view where, std::string_view eos_token) {
  return TokenizerReader(where).read(json, eos_token);
}

std::vector<std::uint32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<std::uint32_t> ids;
  ids.reserve(text.size());
  std::size_t piece_start = 0;
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* found = nullptr;
    for (const AddedToken& token : added_) {
      if (text.substr(at).starts_with(token.text)) {
        found = &token;
        break;
      }
    }
    if (found == nullptr) {
      ++at;
      continue;
    }
    model_->encode(text.substr(piece_start, at - piece_start), piece_start, ids);
    ids.push_back(found->id);
    at += found->text.size();
    piece_start = at;
  }
  model_->encode(text.substr(piece_start), piece_start, ids);
  return ids;
}

std::string Tokenizer::decode(std::span<const std::uint32_t> ids, SpecialTokens special) const {
  std::string text;
  for (const std::uint32_t id : ids) {
    if (id >= tokens_.size()) {
      throw Error(ExitCode::bad_data, "decode: token id " + std::to_string(id) +
                                          " is outside the vocabulary (need 0 .. " +
                                          std::to_string(tokens_.size() - 1) + ")");
    }
    if (special == SpecialTokens::skip && special_[id]) continue;
    text += tokens_[id];
  }
  return text;
}

std::optional<std::uint32_t> Tokenizer::token_id(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::string Tokenizer::tokenizer_config_json() const {
  ordered_json decoder = ordered_json::object();
  for (std::uint32_t id = 0; id < tokens_.size(); ++id) {
    if (special_[id]) decoder[std::to_string(id)] = added_token_entry(tokens_[id]);
  }
  const ordered_json file = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                             {"eos_token", tokens_[eos_id_]},
                             {"clean_up_tokenization_spaces", false},
                             {"added_tokens_decoder", decoder}};
  return file.dump(2) + "\n";
}

std::string Tokenizer::sha256() const {
  return sha256_hex(json_);
}

}  // namespace reckon
