#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// Cuts text that holds no added token into tokens.
class TokenModel {
 public:
  TokenModel() = default;
  virtual ~TokenModel() = default;
  TokenModel(const TokenModel&) = delete;
  TokenModel& operator=(const TokenModel&) = delete;

  /// Appends the ids of a piece of a longer text.
  /// \param offset  byte at which the piece begins in that text, for messages.
  /// \throws Error(bad_data)
  virtual void encode(std::string_view piece, std::size_t offset, std::vector<std::uint32_t>& ids) const = 0;
};

/// One token a character.
[[nodiscard]] std::unique_ptr<TokenModel> make_character_model(const std::map<char32_t, std::uint32_t>& ids);

}  // namespace reckon
