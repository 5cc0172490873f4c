// Any bytes as an answer: the parser under both readings of a comma.
#include <algorithm>
#include <string>

#include "fuzz_target.h"
#include "grade/parse_answer.h"

namespace reckon::fuzz {
namespace {

struct Size {
  std::size_t nodes = 1;
  std::size_t depth = 1;
};

Size size_of(const Expr& expr) {
  Size size;
  for (const Expr& arg : expr.args) {
    const Size part = size_of(arg);
    size.nodes += part.nodes;
    size.depth = std::max(size.depth, part.depth + 1);
  }
  return size;
}

void check_limits(const Expr& expr, const ParseLimits& limits) {
  require(expr.digits.size() <= limits.max_digits, "a number has few digits");
  if (expr.op == Op::list || expr.op == Op::set || expr.op == Op::tuple || expr.op == Op::sequence) {
    require(expr.args.size() <= limits.max_members, "a collection has few members");
  }
  if (expr.op == Op::matrix) {
    const auto side = static_cast<std::size_t>(limits.max_matrix_side);
    require(expr.num_columns > 0 && static_cast<std::size_t>(expr.num_columns) <= side, "a matrix is narrow");
    require(expr.args.size() % static_cast<std::size_t>(expr.num_columns) == 0, "a matrix has whole rows");
    require(expr.args.size() <= side * side, "a matrix is low");
  }
  if (expr.op == Op::relation) {
    require(expr.args.size() == expr.relations.size() + 1, "a relation stands between two sides");
  }
  for (const Expr& arg : expr.args) check_limits(arg, limits);
}

void check_parse(std::string_view text, Comma comma) {
  constexpr ParseLimits kLimits;
  const ParsedAnswer parsed = parse_answer(text, comma, kLimits);
  if (parsed.status != ParseStatus::ok) {
    require(parsed.status == ParseStatus::empty || !parsed.reason.empty(), "a refusal has its reason");
    return;
  }
  require(text.size() <= kLimits.max_bytes, "a long answer is refused");
  const Size size = size_of(parsed.expr);
  // A token makes a few nodes at most; each bracket, script or sign a few levels.
  require(size.nodes <= 8 * kLimits.max_tokens, "the tree is no larger than its text");
  require(size.depth <= 4 * static_cast<std::size_t>(kLimits.max_depth), "the tree is not deep");
  check_limits(parsed.expr, kLimits);
  const std::string printed = to_text(parsed.expr);
  require(!printed.empty(), "a tree can be printed");
  require(to_text(parse_answer(text, comma, kLimits).expr) == printed, "a text is read the same twice");
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = reckon::fuzz::text_of(data, size);
  reckon::fuzz::check_parse(text, reckon::Comma::separates_members);
  reckon::fuzz::check_parse(text, reckon::Comma::is_decimal_point);
  return 0;
}
