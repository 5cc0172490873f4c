#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// A token that is found in the text before the model sees it, as tokenizer.json lists it.
struct AddedToken {
  std::string text;
  std::uint32_t id = 0;
  bool special = false;      ///< left out by decode() on request
  bool single_word = false;  ///< not beside a letter or digit
  bool lstrip = false;       ///< takes the white space on its left
  bool rstrip = false;       ///< takes the white space on its right
  bool normalized = false;   ///< looked for in the normalised text, in its normalised form
};

/// Finds added tokens in text: leftmost, then longest, without overlap, through a trie over bytes.
class AddedTokenFinder {
 public:
  /// \param text  the form to look for.
  void add(std::string_view text, const AddedToken& token);
  /// To be called after the last add().
  void finish();
  [[nodiscard]] bool is_empty() const { return tokens_.empty(); }

  /// Calls `plain(begin, end)` for text between tokens and `token(id)` for tokens, in order.
  template <typename Plain, typename Token>
  void split(std::string_view text, const Plain& plain, const Token& token) const {
    std::size_t done = 0;
    Blanks blanks;
    for (std::size_t from = 0; const auto found = find(text, from);) {
      from = found->end;
      const Rules& rules = tokens_[found->token];
      if (rules.single_word && !is_single_word(text, *found)) continue;
      std::size_t begin = found->begin;
      std::size_t end = found->end;
      if (rules.lstrip) begin = std::max(blanks_before(text, begin, done), done);
      if (rules.rstrip) end = blanks_after(text, end, blanks);
      if (done < begin) plain(done, begin);
      token(rules.id);
      done = end;
    }
    if (done < text.size()) plain(done, text.size());
  }

 private:
  struct Rules {
    std::uint32_t id = 0;
    bool single_word = false;
    bool lstrip = false;
    bool rstrip = false;
  };
  struct Found {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::uint32_t token = 0;  ///< its place in tokens_
  };
  /// A run of white space that was looked at, lest it be walked again from each place inside it.
  struct Blanks {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  struct Node {
    std::uint32_t first_child = 0;  ///< children follow one another, sorted by byte
    std::uint32_t num_children = 0;
    std::uint32_t token = kNoToken;  ///< that ends here
    std::uint8_t byte = 0;
  };
  static constexpr std::uint32_t kNoToken = 0xFFFFFFFFu;

  [[nodiscard]] std::optional<Found> find(std::string_view text, std::size_t from) const;
  [[nodiscard]] std::uint32_t child(std::uint32_t node, std::uint8_t byte) const;
  static bool is_single_word(std::string_view text, const Found& found);
  static std::size_t blanks_before(std::string_view text, std::size_t end, std::size_t limit);
  static std::size_t blanks_after(std::string_view text, std::size_t begin, Blanks& blanks);

  std::vector<Rules> tokens_;
  std::vector<std::string> texts_;                ///< only until finish()
  std::vector<Node> nodes_;                       ///< the root is the first
  std::array<std::uint32_t, 256> after_first_{};  ///< the node after a first byte; 0: none
};

}  // namespace reckon
