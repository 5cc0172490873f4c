#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

struct TokenizerData;

inline constexpr std::string_view kThinkOpen = "<think>";
inline constexpr std::string_view kThinkClose = "</think>";
inline constexpr std::string_view kAnswerOpen = "<answer>";
inline constexpr std::string_view kAnswerClose = "</answer>";
inline constexpr std::string_view kEosToken = "<|eos|>";

/// What decode() does with special tokens.
enum class SpecialTokens { keep, skip };
/// Whether encode() adds what the file's post_processor adds: the BOS of Llama 3.
enum class AddSpecials { no, yes };

/// Text to token ids and back, as a Hugging Face `tokenizer.json` defines it: the same ids and the same text
/// as the Python package `tokenizers` 0.23. Read are
/// - model: BPE, with merges, ignore_merges and byte_fallback;
/// - normalizer: NFC; pre_tokenizer: Split (behaviors Isolated and Removed; the regular expressions of
///   src/text/split_regex.h), Digits, ByteLevel; post_processor: TemplateProcessing, ByteLevel;
///   decoder: ByteLevel where the pre_tokenizer has ByteLevel, else Fuse; and sequences of all these;
/// - added tokens with all their flags.
/// Everything else is refused by name, but `truncation` and `padding`, which are ignored: `transformers` asks
/// for them at each call. Immutable; copies are cheap; const methods may be called from several threads.
class Tokenizer {
 public:
  /// One token a character. Ids: <think>, </think>, <answer>, </answer>, <|eos|>, then the characters of the
  /// alphabet in code-point order; a character given twice counts once. \throws Error(bad_data) where it is
  /// not UTF-8.
  [[nodiscard]] static Tokenizer character_level(std::string_view alphabet);

  /// \param where      the file's name, for messages.
  /// \param eos_token  the token that ends a completion; tokenizer.json does not say which it is. Empty:
  /// none. \throws Error(bad_data)
  [[nodiscard]] static Tokenizer from_json(std::string_view json, std::string_view where,
                                           std::string_view eos_token = kEosToken);

  /// Added tokens written in the text are found first, leftmost and longest. Time n log n for n bytes.
  /// \param text  UTF-8. Where the vocabulary is of bytes, each maximal part that is not UTF-8 counts as
  ///              U+FFFD.
  /// \throws Error(bad_data) where the text is not UTF-8 and the vocabulary is of characters; and at a
  ///         character or byte outside the vocabulary, where `tokenizers` would drop it in silence.
  [[nodiscard]] std::vector<std::uint32_t> encode(std::string_view text,
                                                  AddSpecials specials = AddSpecials::no) const;

  /// The text of the tokens together; what is not UTF-8 then becomes U+FFFD, as in encode().
  /// \throws Error(bad_data) at an id that no token has.
  [[nodiscard]] std::string decode(std::span<const std::uint32_t> ids,
                                   SpecialTokens special = SpecialTokens::keep) const;

  /// One more than the highest id: the rows that a model needs. There may be ids below that no token has.
  [[nodiscard]] std::size_t vocab_size() const;
  [[nodiscard]] bool is_token(std::uint32_t id) const;
  /// Whether the token is one that SpecialTokens::skip leaves out. \throws Error(bad_data) as decode().
  [[nodiscard]] bool is_special(std::uint32_t id) const;
  /// The bytes a token stands for: often not whole characters. They live as long as the tokenizer.
  /// \throws Error(bad_data) at an id that no token has.
  [[nodiscard]] std::string_view token_bytes(std::uint32_t id) const;

  [[nodiscard]] bool has_eos() const;
  /// \throws Error(internal) where from_json() was given none.
  [[nodiscard]] std::uint32_t eos_id() const;
  /// The id of a whole token, as the file writes it, where the vocabulary has it.
  [[nodiscard]] std::optional<std::uint32_t> token_id(std::string_view token) const;

  /// The text of tokenizer.json: what from_json() was given.
  [[nodiscard]] const std::string& to_json() const;
  /// The text of tokenizer_config.json beside it, with which `AutoTokenizer` loads the folder.
  [[nodiscard]] std::string tokenizer_config_json() const;
  /// SHA-256 of to_json(), in hexadecimal.
  [[nodiscard]] std::string sha256() const;

 private:
  friend class TokenizerReader;
  explicit Tokenizer(std::shared_ptr<const TokenizerData> data) : data_(std::move(data)) {}

  std::shared_ptr<const TokenizerData> data_;
};

}  // namespace reckon
