#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "json_dom.h"
#include "tokenizer_data.h"

namespace reckon {

/// The parts of tokenizer.json besides model and added tokens.
struct TokenizerPipeline {
  bool normalises = false;
  std::vector<PreTokenizerStep> steps;
  BpeUnit unit = BpeUnit::character;
  std::vector<TemplatePiece> post_processor;
};

/// Reads and checks them; the decoder too, which says nothing that the pre_tokenizer does not.
[[nodiscard]] TokenizerPipeline read_pipeline(const JsonFile& file, JsonObject root);

/// Reads and checks one tokenizer.json.
class TokenizerReader {
 public:
  explicit TokenizerReader(std::string_view where) : file_(where) {}
  [[nodiscard]] std::shared_ptr<const TokenizerData> read(std::string_view text, std::string_view eos_token);

 private:
  void check_model(JsonElement part) const;
  [[nodiscard]] std::uint32_t token_id(std::optional<JsonElement> value, std::string_view token) const;
  void read_vocab(JsonObject model);
  void read_merges(BpeModel& bpe, JsonArray merges) const;
  void read_merge(BpeModel& bpe, std::string_view left, std::string_view right, std::uint32_t rank) const;
  void read_added_tokens(JsonArray list, const BpeModel& bpe);
  [[nodiscard]] AddedToken read_added_token(JsonElement entry) const;
  void number_token(std::string_view text, std::uint32_t id);
  void check_template_ids() const;
  void make_texts();
  /// The form of an added token that is looked for in the text.
  [[nodiscard]] std::string looked_for(const AddedToken& token) const;
  void make_finders();

  JsonFile file_;
  std::vector<std::string_view> texts_;  ///< by id, as the file writes them; none: no token has the id
  std::size_t num_tokens_ = 0;
  std::size_t highest_allowed_ = 0;
  std::vector<AddedToken> added_;  ///< in the order of the file
  std::shared_ptr<TokenizerData> data_;
};

}  // namespace reckon
