#pragma once

#include <string_view>
#include <vector>

#include "code_point_set.h"

namespace reckon {

/// What a pattern says, as a tree.
struct RegexNode {
  enum class Kind {
    empty,       ///< nothing
    set,         ///< one character of the set
    sequence,    ///< the children, one after the other
    choice,      ///< the first child that leads to a match
    repeat,      ///< the only child, min .. max times, as often as possible
    not_before,  ///< the end of a match, where the next character is not of the set
  };
  static constexpr int kNoMaximum = -1;

  [[nodiscard]] static RegexNode of(Kind kind) {
    RegexNode node;
    node.kind = kind;
    return node;
  }

  Kind kind = Kind::empty;
  CodePointSet set;
  std::vector<RegexNode> children;
  int min = 0;
  int max = 0;  ///< or kNoMaximum
};

[[nodiscard]] bool can_be_empty(const RegexNode& node);
/// Whether look-aheads stand only where the match ends.
[[nodiscard]] bool look_aheads_are_last(const RegexNode& root);

/// Reads a pattern in the notation of Oniguruma (the part of it that tokenizer.json files use: see
/// SplitRegex). \param where  stands before messages. \throws Error(bad_data) at anything else.
[[nodiscard]] RegexNode parse_regex(std::string_view pattern, std::string_view where);

}  // namespace reckon
