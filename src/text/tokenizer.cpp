#include "reckon/text/tokenizer.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/text/utf8.h"
#include "tokenizer_data.h"
#include "tokenizer_reader.h"
#include "unicode.h"

namespace reckon {
namespace {

using nlohmann::ordered_json;

ordered_json added_token_entry(const AddedToken& token) {
  return {{"content", token.text},  {"single_word", token.single_word}, {"lstrip", token.lstrip},
          {"rstrip", token.rstrip}, {"normalized", token.normalized},   {"special", token.special}};
}

/// Cuts one text and appends its ids.
class Encoder {
 public:
  Encoder(const TokenizerData& data, std::string_view text, std::vector<std::uint32_t>& ids)
      : data_(data), text_(text), ids_(ids) {}

  void run() {
    data_.raw_finder.split(
        text_, [&](std::size_t begin, std::size_t end) { encode_plain(text_.substr(begin, end - begin)); },
        [&](std::uint32_t id) { ids_.push_back(id); });
  }

 private:
  /// Text without tokens that are looked for before normalisation.
  void encode_plain(std::string_view piece) {
    if (data_.normalises && !is_surely_nfc(piece)) {
      encode_normalised(nfc(piece));
    } else {
      encode_normalised(piece);
    }
  }

  void encode_normalised(std::string_view piece) {
    data_.normalised_finder.split(
        piece, [&](std::size_t begin, std::size_t end) { encode_words(piece.substr(begin, end - begin)); },
        [&](std::uint32_t id) { ids_.push_back(id); });
  }

  void encode_words(std::string_view piece) {
    data_.pre_tokenizer.split(
        piece, [&](std::string_view word) { data_.model.encode(word, offset_of(word), ids_); });
  }

  /// Where a word stands in the text, if it is a piece of it and no copy.
  [[nodiscard]] std::size_t offset_of(std::string_view word) const {
    const std::less<> before;
    const char* const begin = text_.data();
    const bool inside = !before(word.data(), begin) && before(word.data(), begin + text_.size());
    return inside ? static_cast<std::size_t>(word.data() - begin) : BpeModel::kNoOffset;
  }

  const TokenizerData& data_;
  std::string_view text_;
  std::vector<std::uint32_t>& ids_;
};

[[noreturn]] void refuse_id(const char* function, std::uint32_t id, const TokenTexts& texts) {
  const std::string token = std::string(function) + ": token id " + std::to_string(id);
  if (id < texts.num_ids()) {
    throw Error(ExitCode::bad_data, token + " is in a gap of the vocabulary (need the id of a token)");
  }
  throw Error(ExitCode::bad_data,
              token + " is outside the vocabulary (need 0 .. " + std::to_string(texts.num_ids() - 1) + ")");
}

}  // namespace

void TokenTexts::set(std::uint32_t id, std::string_view bytes) {
  tokens_[id].begin = static_cast<std::uint32_t>(bytes_.size());
  tokens_[id].size = static_cast<std::uint32_t>(bytes.size());
  bytes_ += bytes;
}

Tokenizer Tokenizer::character_level(std::string_view alphabet) {
  const std::u32string characters = utf8_to_code_points(alphabet, "alphabet");
  ordered_json added = ordered_json::array();
  ordered_json vocab = ordered_json::object();
  // `tokenizers` takes the id of an added token from the model's vocabulary, so the added tokens stand in
  // both.
  for (const std::string_view text : {kThinkOpen, kThinkClose, kAnswerOpen, kAnswerClose, kEosToken}) {
    AddedToken token;
    token.text = text;
    token.special = true;
    ordered_json entry = {{"id", vocab.size()}};
    entry.update(added_token_entry(token));
    added.push_back(std::move(entry));
    vocab[token.text] = vocab.size();
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
  return Tokenizer(TokenizerReader(where).read(json, eos_token));
}

std::vector<std::uint32_t> Tokenizer::encode(std::string_view text, AddSpecials specials) const {
  std::string replaced;
  if (!is_utf8(text)) {
    if (data_->model.unit() == BpeUnit::character) (void)utf8_to_code_points(text, "encode");  // throws
    replaced = utf8_with_replacements(text);
    text = replaced;
  }
  std::vector<std::uint32_t> ids;
  ids.reserve(text.size() / 4 + 4);
  for (const TemplatePiece& piece : data_->post_processor) {
    if (piece.is_text) {
      Encoder(*data_, text, ids).run();
    } else if (specials == AddSpecials::yes) {
      ids.insert(ids.end(), piece.ids.begin(), piece.ids.end());
    }
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const std::uint32_t> ids, SpecialTokens special) const {
  const TokenTexts& texts = data_->texts;
  std::string bytes;
  for (const std::uint32_t id : ids) {
    if (!texts.has(id)) refuse_id("decode", id, texts);
    if (special == SpecialTokens::skip && texts.is_special(id)) continue;
    bytes += texts.bytes(id);
  }
  if (is_utf8(bytes)) return bytes;
  return utf8_with_replacements(bytes);
}

std::size_t Tokenizer::vocab_size() const {
  return data_->texts.num_ids();
}

bool Tokenizer::is_token(std::uint32_t id) const {
  return data_->texts.has(id);
}

bool Tokenizer::is_special(std::uint32_t id) const {
  if (!is_token(id)) refuse_id("is_special", id, data_->texts);
  return data_->texts.is_special(id);
}

std::string_view Tokenizer::token_bytes(std::uint32_t id) const {
  if (!is_token(id)) refuse_id("token_bytes", id, data_->texts);
  return data_->texts.bytes(id);
}

bool Tokenizer::has_eos() const {
  return data_->eos_id.has_value();
}

std::uint32_t Tokenizer::eos_id() const {
  if (!has_eos()) {
    throw Error(ExitCode::internal, "eos_id: the tokenizer was read without an end-of-sequence token");
  }
  return *data_->eos_id;
}

std::optional<std::uint32_t> Tokenizer::token_id(std::string_view token) const {
  if (token.empty()) return std::nullopt;
  const auto is_it = [&](const AddedToken& added) { return added.text == token; };
  const auto found = std::find_if(data_->added.begin(), data_->added.end(), is_it);
  if (found != data_->added.end()) return found->id;
  return data_->model.id_of(token);
}

const std::string& Tokenizer::to_json() const {
  return data_->json;
}

std::string Tokenizer::tokenizer_config_json() const {
  ordered_json decoder = ordered_json::object();
  for (const AddedToken& token : data_->added) decoder[std::to_string(token.id)] = added_token_entry(token);
  ordered_json file = {{"tokenizer_class", "PreTrainedTokenizerFast"}};
  if (has_eos()) file["eos_token"] = data_->eos_text;
  file["clean_up_tokenization_spaces"] = false;
  file["added_tokens_decoder"] = decoder;
  return file.dump(2) + "\n";
}

std::string Tokenizer::sha256() const {
  return sha256_hex(data_->json);
}

}  // namespace reckon
