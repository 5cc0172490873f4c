#include "reckon/task/knights.h"

#include "reckon/base/error.h"
#include "reckon/grade/extract.h"

namespace reckon {
namespace {

constexpr std::size_t kMaxPeople = 8;
constexpr int kMaxDepth = 64;

unsigned person_bit(std::size_t person, std::size_t num_people) {
  return 1u << (num_people - 1 - person);
}

}  // namespace

/// A statement: a name, a negation of left, or left op right.
struct KnightsPuzzle::Node {
  char kind = 'A';  ///< the name, or one of ~ & | =
  std::unique_ptr<Node> left;
  std::unique_ptr<Node> right;

  [[nodiscard]] bool is_true(unsigned world, std::size_t num_people) const {
    switch (kind) {
      case '~':
        return !left->is_true(world, num_people);
      case '&':
        return left->is_true(world, num_people) && right->is_true(world, num_people);
      case '|':
        return left->is_true(world, num_people) || right->is_true(world, num_people);
      case '=':
        return left->is_true(world, num_people) == right->is_true(world, num_people);
      default:
        return (world & person_bit(static_cast<std::size_t>(kind - 'A'), num_people)) != 0;
    }
  }

  /// Recursive descent over one statement.
  class Parser {
   public:
    Parser(std::string_view text, std::size_t num_people, std::string_view where)
        : text_(text), num_people_(num_people), where_(where) {}

    std::unique_ptr<Node> run() {
      auto node = statement(0);
      if (at_ != text_.size()) fail();
      return node;
    }

   private:
    [[noreturn]] void fail() const {
      throw Error(ExitCode::bad_data,
                  std::string(where_) + ": statement \"" + std::string(text_.substr(0, 80)) +
                      "\" cannot be read at byte " + std::to_string(at_) + " (need names A .. " +
                      static_cast<char>('A' + num_people_ - 1) + ", ~ & | = and parentheses)");
    }
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    static std::unique_ptr<Node> make(char kind, std::unique_ptr<Node> left, std::unique_ptr<Node> right) {
      auto node = std::make_unique<Node>();
      node->kind = kind;
      node->left = std::move(left);
      node->right = std::move(right);
      return node;
    }
    std::unique_ptr<Node> statement(int depth) {
      auto first = part(depth);
      const char operation = peek();
      if (operation != '&' && operation != '|' && operation != '=') return first;
      ++at_;
      auto second = part(depth);
      return make(operation, std::move(first), std::move(second));
    }
    std::unique_ptr<Node> part(int depth) {
      if (depth == kMaxDepth) fail();
      const char next = peek();
      if (next == '~') {
        ++at_;
        return make('~', part(depth + 1), nullptr);
      }
      if (next == '(') {
        ++at_;
        auto inner = statement(depth + 1);
        if (peek() != ')') fail();
        ++at_;
        return inner;
      }
      if (next < 'A' || next >= static_cast<char>('A' + num_people_)) fail();
      ++at_;
      return make(next, nullptr, nullptr);
    }

    std::string_view text_;
    std::size_t num_people_;
    std::string_view where_;
    std::size_t at_ = 0;
  };
};

KnightsPuzzle::KnightsPuzzle(std::span<const std::string> statements, std::string_view where) {
  if (statements.empty() || statements.size() > kMaxPeople) {
    throw Error(ExitCode::bad_data, std::string(where) + ": " + std::to_string(statements.size()) +
                                        " statements (need 1 .. " + std::to_string(kMaxPeople) + ")");
  }
  for (const std::string& text : statements) {
    statements_.push_back(Node::Parser(text, statements.size(), where).run());
  }
}
KnightsPuzzle::~KnightsPuzzle() = default;
KnightsPuzzle::KnightsPuzzle(KnightsPuzzle&&) noexcept = default;
KnightsPuzzle& KnightsPuzzle::operator=(KnightsPuzzle&&) noexcept = default;

std::size_t KnightsPuzzle::num_people() const {
  return statements_.size();
}

bool KnightsPuzzle::statement_is_true(std::size_t person, unsigned world) const {
  return statements_.at(person)->is_true(world, num_people());
}

bool KnightsPuzzle::is_consistent(unsigned world) const {
  for (std::size_t person = 0; person < num_people(); ++person) {
    const bool is_knight = (world & person_bit(person, num_people())) != 0;
    if (statement_is_true(person, world) != is_knight) return false;
  }
  return true;
}

std::vector<unsigned> KnightsPuzzle::solutions() const {
  std::vector<unsigned> worlds;
  for (unsigned world = 0; world < (1u << num_people()); ++world) {
    if (is_consistent(world)) worlds.push_back(world);
  }
  return worlds;
}

std::string KnightsPuzzle::bits(unsigned world) const {
  std::string text;
  for (std::size_t person = 0; person < num_people(); ++person) {
    text += (world & person_bit(person, num_people())) != 0 ? '1' : '0';
  }
  return text;
}

std::string KnightsPuzzle::steps() const {
  std::string text;
  for (unsigned world = 0; world < (1u << num_people()); ++world) {
    if (world > 0) text += ';';
    text += bits(world) + ':';
    char mark = 'v';
    for (std::size_t person = 0; person < num_people() && mark == 'v'; ++person) {
      const bool is_true = statement_is_true(person, world);
      const bool is_knight = (world & person_bit(person, num_people())) != 0;
      text += is_true ? '1' : '0';
      if (is_true != is_knight) mark = 'x';
    }
    text += mark;
  }
  return text;
}

bool parse_knights_answer(std::string_view answer, std::size_t num_people, unsigned& world) {
  std::string_view text = trim_blanks(answer);
  const auto take = [&text](std::string_view word) {
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
  };
  world = 0;
  if (text.size() == num_people && text.find_first_not_of("01") == std::string_view::npos) {
    for (const char bit : text) world = world * 2 + static_cast<unsigned>(bit - '0');
    return true;
  }
  unsigned named = 0;
  for (std::size_t count = 0; count < num_people; ++count) {
    if (count > 0 && !take(", and ") && !take(", ") && !take(" and ")) return false;
    if (text.empty() || text[0] < 'A' || text[0] >= static_cast<char>('A' + num_people)) return false;
    const unsigned bit = person_bit(static_cast<std::size_t>(text[0] - 'A'), num_people);
    text.remove_prefix(1);
    if ((named & bit) != 0) return false;
    named |= bit;
    if (take(" is a knight")) {
      world |= bit;
    } else if (!take(" is a knave")) {
      return false;
    }
  }
  take(".");
  return text.empty();
}

}  // namespace reckon
