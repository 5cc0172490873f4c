#include <array>
#include <string>
#include <unordered_map>

#include "reckon/base/error.h"
#include "reckon/text/utf8.h"
#include "token_model.h"

namespace reckon {
namespace {

constexpr std::uint32_t kNoId = 0xFFFFFFFFu;

class CharacterModel final : public TokenModel {
 public:
  explicit CharacterModel(const std::map<char32_t, std::uint32_t>& ids) : other_ids_(ids.begin(), ids.end()) {
    ascii_ids_.fill(kNoId);
    for (const auto& [code_point, id] : ids) {
      if (code_point < ascii_ids_.size()) ascii_ids_[code_point] = id;
    }
  }

  void encode(std::string_view piece, std::size_t offset, std::vector<std::uint32_t>& ids) const override {
    for (std::size_t at = 0; at < piece.size();) {
      const auto character = utf8_character_at(piece, at);
      if (!character) {
        throw Error(ExitCode::bad_data,
                    "encode: byte " + std::to_string(offset + at) + " is not UTF-8 (need UTF-8 text)");
      }
      const std::uint32_t id = id_of(character->code_point);
      if (id == kNoId) {
        throw Error(ExitCode::bad_data, "encode: " + code_point_name(character->code_point) + " '" +
                                            std::string(piece.substr(at, character->num_bytes)) +
                                            "' at byte " + std::to_string(offset + at) +
                                            " is not in the tokenizer's vocabulary");
      }
      ids.push_back(id);
      at += character->num_bytes;
    }
  }

 private:
  [[nodiscard]] std::uint32_t id_of(char32_t code_point) const {
    if (code_point < ascii_ids_.size()) return ascii_ids_[code_point];
    const auto found = other_ids_.find(code_point);
    return found == other_ids_.end() ? kNoId : found->second;
  }

  std::array<std::uint32_t, 128> ascii_ids_{};
  std::unordered_map<char32_t, std::uint32_t> other_ids_;
};

}  // namespace

std::unique_ptr<TokenModel> make_character_model(const std::map<char32_t, std::uint32_t>& ids) {
  return std::make_unique<CharacterModel>(ids);
}

}  // namespace reckon
