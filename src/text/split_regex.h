#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace reckon {

/// A regular expression that cuts text into pieces, with the meaning it has in Oniguruma: the leftmost match,
/// and of those at one place the one that a backtracking search finds first.
///
/// Understood: characters, `.`, escapes, classes `[...]` and `[^...]` of characters, ranges and escapes;
/// `\s \S \d \D \w \W`, `\p{X}` and `\P{X}` for general categories; `|`, groups, `(?:...)`, `(?i:...)` of
/// ASCII text; `? * + {m} {m,} {m,n}`; and `(?!class)` where nothing can follow. Refused is all else, and
/// what can match the empty string.
///
/// The pattern becomes a deterministic automaton over classes of code points, each state of which is a list
/// of positions in the pattern, best first (R. Cox, "Regular Expression Matching: the Virtual Machine
/// Approach", 2009). There is no backtracking: one match takes time linear in the text it looks at, and with
/// the patterns of known models so do all matches together. (A pattern like `a*b|a` looks to the end of a run
/// of a's for each single one; its time is quadratic.)
class SplitRegex {
 public:
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  /// \throws Error(bad_data) for a pattern that is not understood or whose automaton gets too large.
  [[nodiscard]] static SplitRegex compile(std::string_view pattern, std::string_view where);
  /// Finds the text itself, which is not empty.
  [[nodiscard]] static SplitRegex of_text(std::string_view text, std::string_view where);

  /// The leftmost match at or after a place. \param text  is UTF-8.
  [[nodiscard]] std::optional<Match> find(std::string_view text, std::size_t from) const;

  [[nodiscard]] std::size_t num_states() const { return transitions_.size() / stride_; }

 private:
  friend class RegexCompiler;
  SplitRegex() = default;
  [[nodiscard]] std::uint32_t class_at(std::string_view text, std::size_t& at) const;
  [[nodiscard]] std::size_t end_of_match(std::string_view text, std::size_t start) const;

  std::vector<std::uint16_t> class_blocks_;  ///< by code point / 256: its block in classes_
  std::vector<std::uint8_t> classes_;        ///< blocks of 256
  std::size_t stride_ = 1;                   ///< number of classes, and one for the end of the text
  /// By state and class: the next state, times 2, plus 1 where a match ends before the character.
  std::vector<std::uint32_t> transitions_;
};

}  // namespace reckon
