#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

class TokenModel;

inline constexpr std::string_view kThinkOpen = "<think>";
inline constexpr std::string_view kThinkClose = "</think>";
inline constexpr std::string_view kAnswerOpen = "<answer>";
inline constexpr std::string_view kAnswerClose = "</answer>";
inline constexpr std::string_view kEosToken = "<|eos|>";

/// What decode() does with special tokens.
enum class SpecialTokens { keep, skip };

/// Text to token ids and back, as a Hugging Face `tokenizer.json` defines it: the same ids and the same text
/// as the Python package `tokenizers`. Read so far: model BPE with a vocabulary of single characters and no
/// merges, added tokens, no normalizer, no pre-tokenizer, decoder Fuse. Everything else is refused by name.
/// Ids are 0 .. vocab_size() - 1 without a gap. Immutable; copies are cheap.
class Tokenizer {
 public:
  /// One token a character. Ids: <think>, </think>, <answer>, </answer>, <|eos|>, then the characters of the
  /// alphabet in code-point order; a character given twice counts once. \throws Error(bad_data) where it is
  /// not UTF-8.
  [[nodiscard]] static Tokenizer character_level(std::string_view alphabet);

  /// \param where      the file's name, for messages.
  /// \param eos_token  the token that ends a completion; tokenizer.json does not say which it is.
  /// \throws Error(bad_data)
  [[nodiscard]] static Tokenizer from_json(std::string_view json, std::string_view where,
                                           std::string_view eos_token = kEosToken);

  /// Added tokens written in the text are found first, leftmost and longest; no BOS or EOS is added.
  /// \throws Error(bad_data) at a character outside the vocabulary, where `tokenizers` would drop it in
  /// silence.
  [[nodiscard]] std::vector<std::uint32_t> encode(std::string_view text) const;

  /// \throws Error(bad_data) at an id outside the vocabulary.
  [[nodiscard]] std::string decode(std::span<const std::uint32_t> ids,
                                   SpecialTokens special = SpecialTokens::keep) const;

  [[nodiscard]] std::size_t vocab_size() const { return tokens_.size(); }
  [[nodiscard]] std::uint32_t eos_id() const { return eos_id_; }
  /// The id of a whole token, where the vocabulary has it.
  [[nodiscard]] std::optional<std::uint32_t> token_id(std::string_view token) const;

  /// The text of tokenizer.json: what from_json() was given.
  [[nodiscard]] const std::string& to_json() const { return json_; }
  /// The text of tokenizer_config.json beside it, with which `AutoTokenizer` loads the folder.
  [[nodiscard]] std::string tokenizer_config_json() const;
  /// SHA-256 of to_json(), in hexadecimal.
  [[nodiscard]] std::string sha256() const;

 private:
  struct AddedToken {
    std::string text;
    std::uint32_t id = 0;
    bool special = false;
  };
  friend class TokenizerReader;
  Tokenizer() = default;

  std::string json_;
  std::shared_ptr<const TokenModel> model_;
  std::vector<AddedToken> added_;    ///< longest first
  std::vector<std::string> tokens_;  ///< by id
  std::vector<bool> special_;        ///< by id
  std::map<std::string, std::uint32_t, std::less<>> ids_;
  std::uint32_t eos_id_ = 0;
};

}  // namespace reckon
