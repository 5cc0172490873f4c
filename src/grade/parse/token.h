#pragma once

#include <cstdint>
#include <string_view>

namespace reckon {

enum class TokenKind : std::uint8_t {
  end,
  number,    ///< 12, 12.5, .5, 3e5; without grouping
  letter,    ///< one symbol: text is its canonical name, x or alpha
  name,      ///< a run of capitals: one symbol, such as a segment AB
  word,      ///< code is a WordClass
  function,  ///< code is an Op, or Op::call with the name as text
  plus,
  minus,
  plus_minus,
  minus_plus,
  times,
  slash,
  caret,
  underscore,
  exclamation,
  prime,
  comma,
  group_comma,  ///< a comma that cannot separate: 1{,}000
  semicolon,
  colon,
  row_break,
  ampersand,
  percent,
  circle,  ///< the degree sign
  point,
  open,   ///< code is the kind of bracket, see BracketCode
  close,  ///< likewise
  bar,    ///< | that may open or close
  mid,
  relation,  ///< code is a Relation
  logic_and,
  logic_or,
  logic_not,
  cup,
  cap,
  set_minus,
  fraction,
  root,  ///< code is the degree
  binomial,
  choose,
  over,
  sum,  ///< code is Op::sum or Op::product
  integral,
  limit,
  accent,  ///< text is its name: bar, vec, hat
  box,
  variable,  ///< \variable{name}
  begin,     ///< text is the name of the environment
  finish,    ///< \end
  infinity,
  empty_set,
  number_set,  ///< text is N, Z, Q, R or C
  dots,
  modulo,            ///< a \mod n
  bracketed_modulo,  ///< a \pmod n
  money,             ///< text is the unit
  shape,             ///< \angle, \triangle: text is its name
  partial,
  other,  ///< a character or command that has no meaning in an answer
};

/// What the code of `open` and `close` says. A bare brace is the group of TeX; `set` is \{.
namespace bracket {
inline constexpr char kRound = '(', kSquare = '[', kGroup = '{', kSet = 's', kBar = '|', kNorm = 'n',
                      kFloor = 'f', kCeil = 'c', kAngle = '<', kNull = '.';
}  // namespace bracket

struct Token {
  TokenKind kind = TokenKind::end;
  std::uint8_t code = 0;
  bool blank_before = false;
  bool in_text = false;   ///< inside \text{}, \mathrm{} or the like
  std::string_view text;  ///< as written, but for letters and where said above
};

}  // namespace reckon
