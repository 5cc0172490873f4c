#include <algorithm>

#include "methods.h"
#include "parser.h"

namespace reckon::jinja {
namespace {

int depth_of(const ExpressionPtr& node) {
  return node ? node->depth : 0;
}
int depth_of(const Expressions& nodes) {
  int depth = 0;
  for (const ExpressionPtr& node : nodes) depth = std::max(depth, depth_of(node));
  return depth;
}
int depth_of(const CallArguments& arguments) {
  int depth = std::max(
      {depth_of(arguments.positional), depth_of(arguments.more_positional), depth_of(arguments.more_named)});
  for (const auto& [name, value] : arguments.named) depth = std::max(depth, depth_of(value));
  return depth;
}
template <class Key>
int depth_of(const std::vector<std::pair<Key, ExpressionPtr>>& rest) {
  int depth = 0;
  for (const auto& [key, value] : rest) depth = std::max(depth, depth_of(value));
  return depth;
}

}  // namespace

bool Parser::at_tuple_end() const {
  return sees(TokenKind::output_end) || sees(TokenKind::statement_end) || sees_op(")");
}

ExpressionPtr Parser::parse_tuple_or_expression(bool with_conditional, bool in_parentheses) {
  const int line = token().line;
  Expressions items;
  bool is_tuple = false;
  while (true) {
    if (!items.empty()) expect_op(",");
    if (at_tuple_end()) break;
    items.push_back(parse_expression(with_conditional));
    if (!sees_op(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && !items.empty()) return std::move(items[0]);
  if (!is_tuple && !in_parentheses) fail_expected("an expression");
  const int depth = depth_of(items);
  return make(line, depth, SequenceLiteral{true, std::move(items)});
}

ExpressionPtr Parser::parse_expression(bool with_conditional) {
  const Level level(*this);
  if (!with_conditional) return parse_or();
  const int line = token().line;
  ExpressionPtr node = parse_or();
  while (skip_name("if")) {
    ExpressionPtr test = parse_or();
    ExpressionPtr otherwise = skip_name("else") ? parse_expression() : nullptr;
    const int depth = std::max({depth_of(node), depth_of(test), depth_of(otherwise)});
    node = make(line, depth, Conditional{std::move(test), std::move(node), std::move(otherwise)});
  }
  return node;
}

ExpressionPtr Parser::parse_or() {
  const int line = token().line;
  Expressions operands;
  operands.push_back(parse_and());
  while (skip_name("or")) operands.push_back(parse_and());
  if (operands.size() == 1) return std::move(operands[0]);
  const int depth = depth_of(operands);
  return make(line, depth, Logic{false, std::move(operands)});
}

ExpressionPtr Parser::parse_and() {
  const int line = token().line;
  Expressions operands;
  operands.push_back(parse_not());
  while (skip_name("and")) operands.push_back(parse_not());
  if (operands.size() == 1) return std::move(operands[0]);
  const int depth = depth_of(operands);
  return make(line, depth, Logic{true, std::move(operands)});
}

ExpressionPtr Parser::parse_not() {
  const int line = token().line;
  if (!skip_name("not")) return parse_comparison();
  const Level level(*this);
  ExpressionPtr operand = parse_not();
  const int depth = depth_of(operand);
  return make(line, depth, Unary{UnaryOperator::logical_not, std::move(operand)});
}

bool Parser::take_relation(Relation& relation) {
  static constexpr std::pair<std::string_view, Relation> kSymbols[] = {
      {"==", Relation::equal},      {"!=", Relation::not_equal}, {"<", Relation::less},
      {"<=", Relation::less_equal}, {">", Relation::greater},    {">=", Relation::greater_equal}};
  for (const auto& [symbol, meaning] : kSymbols) {
    relation = meaning;
    if (skip_op(symbol)) return true;
  }
  relation = Relation::in;
  if (skip_name("in")) return true;
  relation = Relation::not_in;
  const Token& next = token(1);
  if (!sees_name("not") || next.kind != TokenKind::name || next.text != "in") return false;
  take();
  take();
  return true;
}

ExpressionPtr Parser::parse_comparison() {
  const int line = token().line;
  ExpressionPtr first = parse_sum();
  std::vector<std::pair<Relation, ExpressionPtr>> rest;
  Relation relation{};
  while (take_relation(relation)) rest.emplace_back(relation, parse_sum());
  if (rest.empty()) return first;
  const int depth = std::max(depth_of(first), depth_of(rest));
  return make(line, depth, Comparison{std::move(first), std::move(rest)});
}

ExpressionPtr Parser::parse_arithmetic(std::initializer_list<std::pair<std::string_view, Operator>> operators,
                                       ExpressionPtr (Parser::*operand)()) {
  const int line = token().line;
  ExpressionPtr first = (this->*operand)();
  std::vector<std::pair<Operator, ExpressionPtr>> rest;
  while (true) {
    const auto* found = std::find_if(operators.begin(), operators.end(),
                                     [&](const auto& entry) { return sees_op(entry.first); });
    if (found == operators.end()) break;
    take();
    rest.emplace_back(found->second, (this->*operand)());
  }
  if (rest.empty()) return first;
  const int depth = std::max(depth_of(first), depth_of(rest));
  return make(line, depth, Arithmetic{std::move(first), std::move(rest)});
}

ExpressionPtr Parser::parse_sum() {
  return parse_arithmetic({{"+", Operator::add}, {"-", Operator::subtract}}, &Parser::parse_concatenation);
}

ExpressionPtr Parser::parse_concatenation() {
  const int line = token().line;
  Expressions parts;
  parts.push_back(parse_product());
  while (skip_op("~")) parts.push_back(parse_product());
  if (parts.size() == 1) return std::move(parts[0]);
  const int depth = depth_of(parts);
  return make(line, depth, Concatenation{std::move(parts)});
}

ExpressionPtr Parser::parse_product() {
  return parse_arithmetic({{"*", Operator::multiply},
                           {"/", Operator::divide},
                           {"//", Operator::floor_divide},
                           {"%", Operator::modulo}},
                          &Parser::parse_power);
}

/// From left to right, as jinja2 has it and Python has not.
ExpressionPtr Parser::parse_power() {
  return parse_arithmetic({{"**", Operator::power}}, &Parser::parse_unary_with_filters);
}

ExpressionPtr Parser::parse_unary(bool with_filters) {
  const int line = token().line;
  ExpressionPtr node;
  if (sees_op("-") || sees_op("+")) {
    const Level level(*this);
    const UnaryOperator op = take().text == "-" ? UnaryOperator::minus : UnaryOperator::plus;
    ExpressionPtr operand = parse_unary(false);
    const int depth = depth_of(operand);
    node = make(line, depth, Unary{op, std::move(operand)});
  } else {
    node = parse_primary();
  }
  node = parse_postfix(std::move(node));
  return with_filters ? parse_filters_and_tests(std::move(node)) : std::move(node);
}

ExpressionPtr Parser::parse_primary() {
  const int line = token().line;
  if (sees(TokenKind::name)) return parse_name();
  if (sees(TokenKind::string)) {
    std::string text;
    while (sees(TokenKind::string)) text += take().text;
    return make(line, 0, Constant{string(std::move(text))});
  }
  if (sees(TokenKind::number)) return make(line, 0, Constant{take().number});
  if (sees_op("[")) return parse_list();
  if (sees_op("{")) return parse_dict();
  if (!skip_op("(")) fail_expected("an expression");
  ExpressionPtr node = parse_tuple_or_expression(true, true);
  expect_op(")");
  return node;
}

ExpressionPtr Parser::parse_name() {
  const Token name = take();
  const std::string& text = name.text;
  if (text == "true" || text == "True") return make(name.line, 0, Constant{boolean(true)});
  if (text == "false" || text == "False") return make(name.line, 0, Constant{boolean(false)});
  if (text == "none" || text == "None") return make(name.line, 0, Constant{none()});
  if (!macros_.empty() && (text == "varargs" || text == "kwargs" || text == "caller")) {
    const bool is_parameter = std::any_of(macros_.begin(), macros_.end(), [&](const auto* parameters) {
      return std::find(parameters->begin(), parameters->end(), text) != parameters->end();
    });
    if (!is_parameter) fail(name.line, "the variable '" + text + "' of macros is not supported");
  }
  return make(name.line, 0, Name{text});
}

ExpressionPtr Parser::parse_list() {
  const int line = take().line;
  Expressions items;
  while (!sees_op("]")) {
    if (!items.empty()) expect_op(",");
    if (sees_op("]")) break;
    items.push_back(parse_expression());
  }
  expect_op("]");
  const int depth = depth_of(items);
  return make(line, depth, SequenceLiteral{false, std::move(items)});
}

ExpressionPtr Parser::parse_dict() {
  const int line = take().line;
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
  int depth = 0;
  while (!sees_op("}")) {
    if (!entries.empty()) expect_op(",");
    if (sees_op("}")) break;
    ExpressionPtr key = parse_expression();
    expect_op(":");
    ExpressionPtr value = parse_expression();
    depth = std::max({depth, depth_of(key), depth_of(value)});
    entries.emplace_back(std::move(key), std::move(value));
  }
  expect_op("}");
  return make(line, depth, DictLiteral{std::move(entries)});
}

ExpressionPtr Parser::parse_postfix(ExpressionPtr node) {
  while (true) {
    if (sees_op(".") || sees_op("[")) {
      node = parse_subscript(std::move(node));
    } else if (sees_op("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr Parser::parse_subscript(ExpressionPtr object) {
  const int line = token().line;
  const int object_depth = depth_of(object);
  if (skip_op(".")) {
    if (sees(TokenKind::name)) return make(line, object_depth, Attribute{std::move(object), take().text});
    if (!sees(TokenKind::number) || !token().number.is<Integer>())
      fail_expected("a name or a number after '.'");
    ExpressionPtr index = make(line, 0, Constant{take().number});
    return make(line, object_depth, Item{std::move(object), std::move(index)});
  }
  expect_op("[");
  ExpressionPtr start = sees_op(":") ? nullptr : parse_expression();
  if (start && skip_op("]")) {
    const int depth = std::max(object_depth, depth_of(start));
    return make(line, depth, Item{std::move(object), std::move(start)});
  }
  if (sees_op(",")) fail(line, "several indices in one pair of brackets are not supported");
  expect_op(":");
  ExpressionPtr stop = sees_op(":") || sees_op("]") ? nullptr : parse_expression();
  ExpressionPtr step = skip_op(":") && !sees_op("]") ? parse_expression() : nullptr;
  if (sees_op(",")) fail(line, "several indices in one pair of brackets are not supported");
  expect_op("]");
  const int depth = std::max({object_depth, depth_of(start), depth_of(stop), depth_of(step)});
  return make(line, depth, Slice{std::move(object), std::move(start), std::move(stop), std::move(step)});
}

CallArguments Parser::parse_call_arguments() {
  const int line = token().line;
  expect_op("(");
  CallArguments arguments;
  bool first = true;
  while (!sees_op(")")) {
    if (!first) expect_op(",");
    if (sees_op(")")) break;
    first = false;
    const bool is_named = sees(TokenKind::name) && token(1).kind == TokenKind::op && token(1).text == "=";
    const bool is_spread = sees_op("*") || sees_op("**");
    if ((!is_named && !is_spread && (!arguments.named.empty() || arguments.more_positional)) ||
        arguments.more_named || (sees_op("*") && arguments.more_positional)) {
      fail(line, "the arguments of a call are in a wrong order");
    }
    if (skip_op("*")) {
      arguments.more_positional = parse_expression();
    } else if (skip_op("**")) {
      arguments.more_named = parse_expression();
    } else if (is_named) {
      std::string name = take().text;
      take();
      arguments.named.emplace_back(std::move(name), parse_expression());
    } else {
      arguments.positional.push_back(parse_expression());
    }
  }
  expect_op(")");
  return arguments;
}

ExpressionPtr Parser::parse_call(ExpressionPtr callee) {
  const int line = token().line;
  const auto* method = std::get_if<Attribute>(&callee->node);
  if (method && is_unsupported_method(method->name)) {
    fail(line, "the method '" + method->name + "' is not supported");
  }
  CallArguments arguments = parse_call_arguments();
  const int depth = std::max(depth_of(callee), depth_of(arguments));
  return make(line, depth, Call{std::move(callee), std::move(arguments)});
}

ExpressionPtr Parser::parse_filters_and_tests(ExpressionPtr node) {
  while (true) {
    if (sees_op("|")) {
      node = parse_filter_chain(std::move(node));
    } else if (sees_name("is")) {
      node = parse_test(std::move(node));
    } else if (sees_op("(")) {
      node = parse_call(std::move(node));
    } else {
      return node;
    }
  }
}

ExpressionPtr Parser::parse_filter_chain(ExpressionPtr input) {
  while (skip_op("|")) input = parse_filter(std::move(input));
  return input;
}

/// A filter's name and arguments. \param input  null for that of a block.
ExpressionPtr Parser::parse_filter(ExpressionPtr input) {
  const int line = token().line;
  std::string name = expect_name();
  while (skip_op(".")) name += "." + expect_name();
  const Filter filter = find_filter(name);
  if (!filter) fail(line, "there is no filter '" + name + "', or it is not supported");
  CallArguments arguments;
  if (sees_op("(")) arguments = parse_call_arguments();
  const int depth = std::max(depth_of(input), depth_of(arguments));
  return make(line, depth, FilterCall{std::move(input), filter, std::move(arguments)});
}

ExpressionPtr Parser::parse_test(ExpressionPtr value) {
  const int line = take().line;
  const bool negated = skip_name("not");
  std::string name = expect_name();
  while (skip_op(".")) name += "." + expect_name();
  const Test test = find_test(name);
  if (!test) fail(line, "there is no test '" + name + "', or it is not supported");
  CallArguments arguments;
  if (sees_op("(")) {
    arguments = parse_call_arguments();
  } else {
    const bool ends = sees_name("else") || sees_name("or") || sees_name("and");
    const bool starts_value = sees(TokenKind::name) || sees(TokenKind::string) || sees(TokenKind::number) ||
                              sees_op("[") || sees_op("{");
    if (sees_name("is")) fail(line, "tests with 'is' cannot be chained (need 'and')");
    if (starts_value && !ends) arguments.positional.push_back(parse_postfix(parse_primary()));
  }
  const int depth = std::max(depth_of(value), depth_of(arguments));
  return make(line, depth, TestCall{std::move(value), test, negated, std::move(arguments)});
}

}  // namespace reckon::jinja
