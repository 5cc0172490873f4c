#include <algorithm>

#include "parser.h"

namespace reckon {
namespace {

bool is_statement(const Expr& expr) {
  return expr.op == Op::relation || expr.op == Op::all_of || expr.op == Op::any_of || expr.op == Op::not_of;
}

/// Whether the statement says more than that a name has a value: x < 1, x in A.
bool is_condition(const Expr& expr) {
  if (expr.op != Op::relation) return is_statement(expr);
  return std::any_of(expr.relations.begin(), expr.relations.end(),
                     [](Relation relation) { return relation != Relation::equal; });
}

}  // namespace

/// Takes the separators between two members: at most one comma or semicolon, then at most one word.
bool Parser::accept_separator(Members& members) {
  bool found = false;
  for (;;) {
    if (at(TokenKind::comma) || (!in_matrix_ && (at(TokenKind::row_break) || at(TokenKind::ampersand)))) {
      if (found && at(TokenKind::comma)) return true;
    } else if (at(TokenKind::semicolon)) {
      if (found) return true;
      members.semicolons = true;
      members.part_ends.push_back(members.members.size());
    } else if (at_word(WordClass::conjunction)) {
      members.conjunction = true;
    } else if (at_word(WordClass::disjunction)) {
      members.disjunction = true;
    } else {
      return found;
    }
    found = true;
    ++next_;
  }
}

Parser::Members Parser::parse_members() {
  Members result;
  do {
    // A row break or and before the end separates nothing: \\ at the end of an align environment.
    if (!result.members.empty() && at(TokenKind::end) && tokens_[next_ - 1].kind == TokenKind::row_break)
      break;
    if (result.members.size() >= limits_.max_members) {
      refuse("more than " + std::to_string(limits_.max_members) + " members");
      break;
    }
    const std::size_t start = next_;
    Expr member = parse_statement();
    if (!ok()) break;
    result.all_groups = result.all_groups && group_start_ == start && group_end_ == next_ && next_ > start;
    result.members.push_back(std::move(member));
  } while (accept_separator(result));
  result.part_ends.push_back(result.members.size());
  return result;
}

/// What members without brackets are: one value, statements joined by words, or a list. In 1,2;3,4 the commas
/// make points.
Expr Parser::join(Members&& members) {
  if (!ok() || members.members.empty()) return {};
  if (members.members.size() == 1) return std::move(members.members[0]);
  const auto& all = members.members;
  const bool words = members.conjunction != members.disjunction;
  if (words && std::all_of(all.begin(), all.end(), is_statement) &&
      std::any_of(all.begin(), all.end(), is_condition)) {
    return make(members.conjunction ? Op::all_of : Op::any_of, std::move(members.members));
  }
  const std::size_t num_parts = members.part_ends.size();
  if (!members.semicolons || num_parts == all.size()) return make(Op::list, std::move(members.members));
  std::vector<Expr> parts;
  std::size_t start = 0;
  for (const std::size_t end : members.part_ends) {
    if (end == start) continue;
    const auto first = members.members.begin() + static_cast<std::ptrdiff_t>(start);
    const auto last = members.members.begin() + static_cast<std::ptrdiff_t>(end);
    std::vector<Expr> part(std::make_move_iterator(first), std::make_move_iterator(last));
    parts.push_back(part.size() == 1 ? std::move(part[0]) : make(Op::tuple, std::move(part)));
    start = end;
  }
  return make(Op::list, std::move(parts));
}

/// Whether outside of boxes there are only words and separators: \boxed{1} papers and \boxed{2} bins.
bool Parser::boxes_stand_alone() const {
  bool found = false;
  int depth = 0;
  for (std::size_t i = next_; i + 1 < tokens_.size(); ++i) {
    const Token& token = tokens_[i];
    if (depth > 0) {
      depth += token.kind == TokenKind::open ? 1 : token.kind == TokenKind::close ? -1 : 0;
    } else if (token.kind == TokenKind::box) {
      found = true;
      const bool braced = tokens_[i + 1].kind == TokenKind::open;
      depth = braced ? 1 : 0;
      ++i;
    } else if (token.kind != TokenKind::word && token.kind != TokenKind::comma &&
               token.kind != TokenKind::semicolon && token.kind != TokenKind::point &&
               token.kind != TokenKind::row_break && token.kind != TokenKind::colon && !token.in_text) {
      return false;
    }
  }
  return found;
}

Expr Parser::parse_boxes(bool& found) {
  found = boxes_stand_alone();
  if (!found) return {};
  Members all;
  while (ok() && !at(TokenKind::end)) {
    if (!accept(TokenKind::box)) {
      ++next_;
      continue;
    }
    if (!at_open(bracket::kGroup)) {
      all.members.push_back(parse_factor().expr);
      continue;
    }
    const Level level(*this);
    ++next_;
    Expr content = join(parse_members());
    if (ok() && !accept_close(bracket::kGroup)) unexpected("}");
    if (content.op == Op::list) {
      for (Expr& member : content.args) all.members.push_back(std::move(member));
    } else {
      all.members.push_back(std::move(content));
    }
  }
  if (all.members.size() > limits_.max_members) {
    return refuse("more than " + std::to_string(limits_.max_members) + " members");
  }
  return join(std::move(all));
}

}  // namespace reckon
