#include "added_tokens.h"

#include <algorithm>
#include <numeric>

#include "reckon/text/utf8.h"
#include "unicode.h"

namespace reckon {
namespace {

/// The character that ends before a place of UTF-8 text.
Utf8Character character_before(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && (static_cast<std::uint8_t>(text[begin]) & 0xC0) == 0x80) --begin;
  return utf8_character_at(text, begin).value();
}

}  // namespace

void AddedTokenFinder::add(std::string_view text, const AddedToken& token) {
  tokens_.push_back({token.id, token.single_word, token.lstrip, token.rstrip});
  texts_.emplace_back(text);
}

void AddedTokenFinder::finish() {
  std::vector<std::uint32_t> order(texts_.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return texts_[a] < texts_[b]; });
  // Level by level: a node stands for the texts order[begin .. end) that share their first `depth` bytes.
  struct Open {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::size_t depth = 0;
  };
  std::vector<Open> open = {{0, order.size(), 0}};
  nodes_.assign(1, Node{});
  for (std::size_t i = 0; i < open.size(); ++i) {
    Open here = open[i];
    if (here.begin < here.end && texts_[order[here.begin]].size() == here.depth) {
      nodes_[i].token = order[here.begin++];
    }
    nodes_[i].first_child = static_cast<std::uint32_t>(nodes_.size());
    while (here.begin < here.end) {
      const char byte = texts_[order[here.begin]][here.depth];
      std::size_t end = here.begin + 1;
      while (end < here.end && texts_[order[end]][here.depth] == byte) ++end;
      Node node;
      node.byte = static_cast<std::uint8_t>(byte);
      nodes_.push_back(node);
      open.push_back({here.begin, end, here.depth + 1});
      ++nodes_[i].num_children;
      here.begin = end;
    }
  }
  for (std::uint32_t i = 0; i < nodes_[0].num_children; ++i) {
    after_first_[nodes_[nodes_[0].first_child + i].byte] = nodes_[0].first_child + i;
  }
  texts_.clear();
}

std::uint32_t AddedTokenFinder::child(std::uint32_t node, std::uint8_t byte) const {
  const Node& parent = nodes_[node];
  const auto begin = nodes_.begin() + parent.first_child;
  const auto end = begin + parent.num_children;
  const auto found = std::lower_bound(
      begin, end, byte, [](const Node& entry, std::uint8_t wanted) { return entry.byte < wanted; });
  if (found == end || found->byte != byte) return 0;
  return static_cast<std::uint32_t>(found - nodes_.begin());
}

std::optional<AddedTokenFinder::Found> AddedTokenFinder::find(std::string_view text, std::size_t from) const {
  if (tokens_.empty()) return std::nullopt;
  for (std::size_t begin = from; begin < text.size(); ++begin) {
    std::uint32_t node = after_first_[static_cast<std::uint8_t>(text[begin])];
    if (node == 0) continue;
    Found found{begin, begin, kNoToken};
    for (std::size_t at = begin + 1;; ++at) {
      if (nodes_[node].token != kNoToken) {
        found.token = nodes_[node].token;
        found.end = at;
      }
      if (at == text.size()) break;
      node = child(node, static_cast<std::uint8_t>(text[at]));
      if (node == 0) break;
    }
    if (found.token != kNoToken) return found;
  }
  return std::nullopt;
}

bool AddedTokenFinder::is_single_word(std::string_view text, const Found& found) {
  const CodePointSet& word = rust_word();
  const bool word_before = found.begin > 0 && word.contains(character_before(text, found.begin).code_point);
  const bool word_after =
      found.end < text.size() && word.contains(utf8_character_at(text, found.end).value().code_point);
  return !word_before && !word_after;
}

/// Where the white space that ends at a place begins; what lies before `limit` is not looked at.
std::size_t AddedTokenFinder::blanks_before(std::string_view text, std::size_t end, std::size_t limit) {
  while (end > limit) {
    const Utf8Character character = character_before(text, end);
    if (!white_space().contains(character.code_point)) break;
    end -= character.num_bytes;
  }
  return end;
}

/// Where the white space that begins at a place ends.
std::size_t AddedTokenFinder::blanks_after(std::string_view text, std::size_t begin, Blanks& blanks) {
  if (begin >= blanks.begin && begin < blanks.end) return blanks.end;
  std::size_t end = begin;
  while (end < text.size()) {
    const Utf8Character character = utf8_character_at(text, end).value();
    if (!white_space().contains(character.code_point)) break;
    end += character.num_bytes;
  }
  blanks = {begin, end};
  return end;
}

}  // namespace reckon
