#include "split_regex.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>

#include "reckon/base/error.h"
#include "reckon/text/utf8.h"
#include "regex_node.h"

namespace reckon {
namespace {

using Kind = RegexNode::Kind;

constexpr std::size_t kBlockSize = 256;
constexpr std::size_t kMaxClasses = 255;
constexpr std::size_t kMaxInstructions = 20000;
constexpr std::size_t kMaxTableEntries = std::size_t{1} << 20;
constexpr std::size_t kMaxWork = std::size_t{1} << 26;  // about a quarter of a second

/// One step of a non-deterministic automaton.
struct Instruction {
  enum class Kind { take, fork, match, match_unless };
  Kind kind = Kind::match;
  std::uint32_t set = 0;     ///< take, match_unless: its number
  std::uint32_t next = 0;    ///< take; fork: what is tried first
  std::uint32_t second = 0;  ///< fork
};

/// A character and what it takes, of text known to be UTF-8.
char32_t decode_known(const char* bytes, std::size_t& num_bytes) {
  const auto at = [&](int i) { return static_cast<std::uint8_t>(bytes[i]); };
  const char32_t first = at(0);
  if (first < 0xE0) return num_bytes = 2, ((first & 0x1F) << 6) | (at(1) & 0x3Fu);
  if (first < 0xF0) return num_bytes = 3, ((first & 0x0F) << 12) | ((at(1) & 0x3Fu) << 6) | (at(2) & 0x3Fu);
  num_bytes = 4;
  return ((first & 0x07) << 18) | ((at(1) & 0x3Fu) << 12) | ((at(2) & 0x3Fu) << 6) | (at(3) & 0x3Fu);
}

}  // namespace

/// Makes the automaton of one pattern.
class RegexCompiler {
 public:
  explicit RegexCompiler(std::string where) : where_(std::move(where)) {}

  SplitRegex compile(const RegexNode& root) {
    const std::uint32_t start = emit(root, add({Instruction::Kind::match, 0, 0, 0}));
    make_classes();
    make_states(start);
    return std::move(regex_);
  }

 private:
  using State = std::vector<std::uint32_t>;  ///< instructions that take or match, best first

  [[noreturn]] void too_large(const std::string& what) const {
    throw Error(ExitCode::bad_data, where_ + ": the automaton of the pattern gets too large: " + what +
                                        " (need a smaller pattern).");
  }

  std::uint32_t add(const Instruction& instruction) {
    if (program_.size() == kMaxInstructions) {
      too_large("more than " + std::to_string(kMaxInstructions) + " steps");
    }
    program_.push_back(instruction);
    return static_cast<std::uint32_t>(program_.size() - 1);
  }

  std::uint32_t number_of(const CodePointSet& set) {
    const auto same = [&](const CodePointSet& other) { return other.ranges() == set.ranges(); };
    const auto found = std::find_if(sets_.begin(), sets_.end(), same);
    if (found != sets_.end()) return static_cast<std::uint32_t>(found - sets_.begin());
    sets_.push_back(set);
    return static_cast<std::uint32_t>(sets_.size() - 1);
  }

  /// Instructions for a node and then for what follows it. \return where they begin.
  std::uint32_t emit(const RegexNode& node, std::uint32_t next) {
    switch (node.kind) {
      case Kind::empty:
        return next;
      case Kind::set:
        return add({Instruction::Kind::take, number_of(node.set), next, 0});
      case Kind::not_before:
        return add({Instruction::Kind::match_unless, number_of(node.set), 0, 0});
      case Kind::repeat:
        return emit_repeat(node, next);
      case Kind::sequence: {
        std::uint32_t begin = next;
        for (std::size_t i = node.children.size(); i-- > 0;) begin = emit(node.children[i], begin);
        return begin;
      }
      case Kind::choice:
        break;
    }
    std::uint32_t begin = emit(node.children.back(), next);
    for (std::size_t i = node.children.size() - 1; i-- > 0;) {
      const std::uint32_t child = emit(node.children[i], next);
      begin = add({Instruction::Kind::fork, 0, child, begin});
    }
    return begin;
  }

  std::uint32_t emit_repeat(const RegexNode& node, std::uint32_t next) {
    const RegexNode& child = node.children[0];
    std::uint32_t begin = next;
    if (node.max == RegexNode::kNoMaximum) {
      const std::uint32_t loop = add({Instruction::Kind::fork, 0, 0, next});
      const std::uint32_t body = emit(child, loop);
      program_[loop].next = body;
      begin = loop;
    } else {
      for (int i = node.min; i < node.max; ++i) {
        const std::uint32_t body = emit(child, begin);
        begin = add({Instruction::Kind::fork, 0, body, next});
      }
    }
    for (int i = 0; i < node.min; ++i) begin = emit(child, begin);
    return begin;
  }

  /// Cuts the code points into classes that no set tells apart.
  void make_classes() {
    std::map<char32_t, std::vector<std::uint32_t>> switches;  // code point -> sets that begin or end there
    switches[0];
    for (std::uint32_t i = 0; i < sets_.size(); ++i) {
      for (const auto& range : sets_[i].ranges()) {
        switches[range.first].push_back(i);
        switches[range.last + 1].push_back(i);
      }
    }
    switches[kLastCodePoint + 1];
    std::map<std::vector<bool>, std::uint8_t> class_of_members;
    std::vector<bool> members(sets_.size(), false);
    std::vector<Segment> segments;
    for (auto it = switches.begin(); it->first <= kLastCodePoint; ++it) {
      for (const std::uint32_t set : it->second) members[set] = !members[set];
      const auto [found, is_new] =
          class_of_members.emplace(members, static_cast<std::uint8_t>(class_members_.size()));
      if (is_new) class_members_.push_back(members);
      if (class_members_.size() > kMaxClasses) too_large("more than 255 classes of characters");
      segments.push_back({std::next(it)->first, found->second});
    }
    pack_classes(segments);
  }

  /// Code points of one class, up to `end`, from where the segment before ends.
  struct Segment {
    std::size_t end = 0;
    std::uint8_t its_class = 0;
  };

  void pack_classes(const std::vector<Segment>& segments) {
    using Block = std::array<std::uint8_t, kBlockSize>;
    std::map<Block, std::uint16_t> known;
    std::vector<int> uniform(kMaxClasses + 1, -1);  // by class: the block that has no other
    auto segment = segments.begin();
    for (std::size_t begin = 0; begin <= kLastCodePoint; begin += kBlockSize) {
      const std::uint8_t first = segment->its_class;
      const bool is_uniform = segment->end >= begin + kBlockSize;
      if (is_uniform && uniform[first] >= 0) {
        regex_.class_blocks_.push_back(static_cast<std::uint16_t>(uniform[first]));
        if (segment->end == begin + kBlockSize) ++segment;
        continue;
      }
      Block content;
      for (std::size_t i = 0; i < kBlockSize; ++i) {
        content[i] = segment->its_class;
        if (segment->end == begin + i + 1) ++segment;
      }
      const auto [found, is_new] = known.emplace(content, static_cast<std::uint16_t>(known.size()));
      if (is_new) regex_.classes_.insert(regex_.classes_.end(), content.begin(), content.end());
      regex_.class_blocks_.push_back(found->second);
      if (is_uniform) uniform[first] = found->second;
    }
  }

  void make_states(std::uint32_t start) {
    const std::size_t num_classes = class_members_.size();
    regex_.stride_ = num_classes + 1;
    intern({});  // state 0: nothing can match any more
    State first;
    begin_list();
    follow(start, first);
    intern(std::move(first));
    for (std::size_t i = 0; i < states_.size(); ++i) {
      for (std::size_t c = 0; c <= num_classes; ++c) add_transition(*states_[i], c);
    }
  }

  /// \param c  the number of a class, or of the end of the text.
  void add_transition(const State& state, std::size_t c) {
    const bool at_end = c == class_members_.size();
    State next;
    bool matched = false;
    begin_list();
    for (const std::uint32_t at : state) {
      if (++work_ > kMaxWork) too_large("it takes too long to make");
      const Instruction& step = program_[at];
      const bool in_set = step.kind != Instruction::Kind::match && !at_end && class_members_[c][step.set];
      if (step.kind == Instruction::Kind::take) {
        if (in_set) follow(step.next, next);
      } else if (!in_set) {
        matched = true;  // what stands behind it in the list is worse
        break;
      }
    }
    const std::uint32_t target = intern(std::move(next));
    regex_.transitions_.push_back(target * 2 + (matched ? 1 : 0));
  }

  void begin_list() {
    ++list_;
    seen_.resize(program_.size(), 0);
  }

  /// Appends what can come next from an instruction on, best first, each once.
  void follow(std::uint32_t from, State& list) {
    std::vector<std::uint32_t> open = {from};
    while (!open.empty()) {
      const std::uint32_t at = open.back();
      open.pop_back();
      if (++work_ > kMaxWork) too_large("it takes too long to make");
      if (seen_[at] == list_) continue;
      seen_[at] = list_;
      if (program_[at].kind == Instruction::Kind::fork) {
        open.push_back(program_[at].second);
        open.push_back(program_[at].next);
      } else {
        list.push_back(at);
      }
    }
  }

  std::uint32_t intern(State state) {
    const auto [found, is_new] =
        numbers_.emplace(std::move(state), static_cast<std::uint32_t>(states_.size()));
    if (is_new) {
      states_.push_back(&found->first);
      if (states_.size() * (class_members_.size() + 1) > kMaxTableEntries) too_large("too many states");
    }
    return found->second;
  }

  std::string where_;
  std::vector<Instruction> program_;
  std::vector<CodePointSet> sets_;
  std::vector<std::vector<bool>> class_members_;  ///< by class: the sets it is in
  std::map<State, std::uint32_t> numbers_;
  std::vector<const State*> states_;  ///< by number
  std::vector<std::uint32_t> seen_;   ///< by instruction: the last list it was put into
  std::uint32_t list_ = 0;
  std::size_t work_ = 0;
  SplitRegex regex_;
};

SplitRegex SplitRegex::compile(std::string_view pattern, std::string_view where) {
  const RegexNode root = parse_regex(pattern, where);
  return RegexCompiler(std::string(where) + ": " + std::string(pattern)).compile(root);
}

SplitRegex SplitRegex::of_text(std::string_view text, std::string_view where) {
  RegexNode root = RegexNode::of(Kind::sequence);
  for (const char32_t code : utf8_to_code_points(text, where)) {
    RegexNode node = RegexNode::of(Kind::set);
    node.set = CodePointSet({{code, code}});
    root.children.push_back(std::move(node));
  }
  if (root.children.empty()) {
    throw Error(ExitCode::bad_data, std::string(where) + ": the pattern is empty (need a text to split at)");
  }
  return RegexCompiler(std::string(where) + ": " + std::string(text)).compile(root);
}

std::uint32_t SplitRegex::class_at(std::string_view text, std::size_t& at) const {
  const auto byte = static_cast<std::uint8_t>(text[at]);
  if (byte < 0x80) {
    ++at;
    return classes_[byte];  // the first block is that of ASCII
  }
  std::size_t num_bytes = 0;
  const char32_t code = decode_known(text.data() + at, num_bytes);
  at += num_bytes;
  return classes_[class_blocks_[code / kBlockSize] * kBlockSize + code % kBlockSize];
}

std::size_t SplitRegex::end_of_match(std::string_view text, std::size_t start) const {
  std::size_t end = std::string_view::npos;
  std::size_t at = start;
  std::uint32_t state = 1;
  while (at < text.size()) {
    const std::size_t before = at;
    const std::uint32_t transition = transitions_[state * stride_ + class_at(text, at)];
    if ((transition & 1u) != 0) end = before;
    state = transition >> 1;
    if (state == 0) return end;
  }
  const std::uint32_t last = transitions_[state * stride_ + stride_ - 1];
  return (last & 1u) != 0 ? at : end;
}

std::optional<SplitRegex::Match> SplitRegex::find(std::string_view text, std::size_t from) const {
  for (std::size_t start = from; start < text.size();) {
    const std::size_t end = end_of_match(text, start);
    if (end != std::string_view::npos) return Match{start, end};
    (void)class_at(text, start);  // on to the next character
  }
  return std::nullopt;
}

}  // namespace reckon
