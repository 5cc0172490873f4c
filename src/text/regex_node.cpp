#include "regex_node.h"

#include <algorithm>

namespace reckon {
namespace {

using Kind = RegexNode::Kind;

/// \param is_last  whether nothing follows the node.
bool are_last(const RegexNode& node, bool is_last) {
  if (node.kind == Kind::not_before) return is_last;
  const bool one_by_one = node.kind == Kind::sequence;
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const bool child_is_last =
        is_last && node.kind != Kind::repeat && (!one_by_one || i + 1 == node.children.size());
    if (!are_last(node.children[i], child_is_last)) return false;
  }
  return true;
}

}  // namespace

bool can_be_empty(const RegexNode& node) {
  switch (node.kind) {
    case Kind::set:
      return false;
    case Kind::repeat:
      return node.min == 0;
    case Kind::sequence:
      return std::all_of(node.children.begin(), node.children.end(), can_be_empty);
    case Kind::choice:
      return std::any_of(node.children.begin(), node.children.end(), can_be_empty);
    default:
      return true;
  }
}

bool look_aheads_are_last(const RegexNode& root) {
  return are_last(root, true);
}

}  // namespace reckon
