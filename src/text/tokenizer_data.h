#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "added_tokens.h"
#include "bpe_model.h"
#include "pre_tokenizer.h"

namespace reckon {

/// What tokens stand for, by id.
class TokenTexts {
 public:
  explicit TokenTexts(std::size_t num_ids) : tokens_(num_ids) {}

  void set(std::uint32_t id, std::string_view bytes);
  void set_special(std::uint32_t id) { tokens_[id].special = true; }

  [[nodiscard]] std::size_t num_ids() const { return tokens_.size(); }
  [[nodiscard]] bool has(std::uint32_t id) const { return id < tokens_.size() && tokens_[id].size != 0; }
  [[nodiscard]] bool is_special(std::uint32_t id) const { return tokens_[id].special; }
  [[nodiscard]] std::string_view bytes(std::uint32_t id) const {
    return std::string_view(bytes_).substr(tokens_[id].begin, tokens_[id].size);
  }

 private:
  struct Token {
    std::uint32_t begin = 0;  ///< in bytes_
    std::uint32_t size = 0;   ///< 0: no token has the id, for no token is empty
    bool special = false;
  };
  std::vector<Token> tokens_;
  std::string bytes_;
};

/// A part of what encode() gives.
struct TemplatePiece {
  bool is_text = false;            ///< the encoded text
  std::vector<std::uint32_t> ids;  ///< else these, under AddSpecials::yes
};

/// All that a tokenizer.json says.
struct TokenizerData {
  TokenizerData(BpeModel bpe, std::size_t num_ids) : model(std::move(bpe)), texts(num_ids) {}

  std::string json;
  bool normalises = false;  ///< to form C
  PreTokenizer pre_tokenizer;
  BpeModel model;
  TokenTexts texts;
  std::vector<AddedToken> added;  ///< sorted by id
  AddedTokenFinder raw_finder;
  AddedTokenFinder normalised_finder;
  std::vector<TemplatePiece> post_processor;
  std::optional<std::uint32_t> eos_id;
  std::string eos_text;  ///< as the file writes it
};

}  // namespace reckon
