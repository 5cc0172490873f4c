#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// Knights and knaves: knights say only what is true, knaves only what is false; one statement a person.
/// People are called A, B, C, ... in order. A world says who is a knight; it is written in bits, A first: 001
/// is "C alone is".
///
/// statement := part (op part)?        op   := '&' (both) | '|' (at least one) | '=' (alike)
/// part      := '~' part | '(' statement ')' | name        a name says "is a knight", ~ turns it round
class KnightsPuzzle {
 public:
  /// \param statements  of A, B, C, ...; at most 8.
  /// \param where       stands before the message of an error.
  /// \throws Error(bad_data) where a statement cannot be read or names nobody.
  KnightsPuzzle(std::span<const std::string> statements, std::string_view where);
  ~KnightsPuzzle();
  KnightsPuzzle(KnightsPuzzle&&) noexcept;
  KnightsPuzzle& operator=(KnightsPuzzle&&) noexcept;

  [[nodiscard]] std::size_t num_people() const;
  /// Whether person's statement is true in a world. \param world bit (num_people() - 1 - i) is person i.
  [[nodiscard]] bool statement_is_true(std::size_t person, unsigned world) const;
  /// Whether every knight's statement is true and every knave's false.
  [[nodiscard]] bool is_consistent(unsigned world) const;
  /// All consistent worlds, rising, by trying each.
  [[nodiscard]] std::vector<unsigned> solutions() const;
  /// The bits of a world, as they are written.
  [[nodiscard]] std::string bits(unsigned world) const;
  /// All worlds in order with the truth values of the statements one after the other, up to the first that
  /// its speaker cannot have said (x); v where there is none: 000:1x;001:001v;...
  [[nodiscard]] std::string steps() const;

 private:
  struct Node;
  std::vector<std::unique_ptr<Node>> statements_;
};

/// Reads a claimed world: its bits (001), or a sentence that says of each person once, in any order, what
/// they are: "A is a knave, B is a knave, and C is a knight." Nothing else may stand in the answer. \return
/// whether the answer could be read so; the world in `world`.
[[nodiscard]] bool parse_knights_answer(std::string_view answer, std::size_t num_people, unsigned& world);

}  // namespace reckon
