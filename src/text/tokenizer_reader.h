#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "reckon/text/tokenizer.h"

namespace reckon {

/// Reads and checks one tokenizer.json.
class TokenizerReader {
 public:
  explicit TokenizerReader(std::string_view where) : where_(where) {}
  [[nodiscard]] Tokenizer read(std::string_view text, std::string_view eos_token);

 private:
  [[noreturn]] void fail(const std::string& what) const;
  void check_pipeline(const nlohmann::json& file) const;
  void check_model(const nlohmann::json& model) const;
  [[nodiscard]] std::uint32_t token_id(const nlohmann::json& value, const std::string& token) const;
  void read_vocab(const nlohmann::json& model);
  void read_added_tokens(const nlohmann::json& list);
  void read_added_token(const nlohmann::json& entry);
  void add_token(const std::string& text, std::uint32_t id);
  void check_ids();
  void make_model();

  std::string where_;
  Tokenizer tokenizer_;
  std::map<std::uint32_t, std::string> by_id_;
};

}  // namespace reckon
