#pragma once

#include <cstdint>
#include <string_view>

#include "token.h"

namespace reckon {

/// What the lexer does with a command.
enum class CommandAction : std::uint8_t {
  token,          ///< one token: kind, code, text
  skip,           ///< nothing is seen of it: \displaystyle, \mathbf, \big
  blank,          ///< a blank: \quad
  text,           ///< its braces hold text: \text, \mathrm
  left,           ///< the delimiter behind it opens: \left
  right,          ///< closes: \right
  begin,          ///< \begin{name}
  end,            ///< \end{name}
  alphabet,       ///< \mathbb{R}
  character,      ///< \char"0190
  skip_argument,  ///< \hspace{1em}, \label{x}
  negate,         ///< \not: the relation behind it is denied
};

struct Command {
  std::string_view name;  ///< without backslash
  CommandAction action;
  TokenKind kind;
  std::uint8_t code;
  std::string_view text;  ///< what it stands for, where a token needs it
};

/// The command of that name; nullptr where there is none.
[[nodiscard]] const Command* find_command(std::string_view name);

}  // namespace reckon
