#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "filters.h"
#include "operators.h"
#include "tests.h"
#include "value.h"

// A parsed template. Chains of operators are lists, not trees, so that their length costs no stack.
namespace reckon::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<const Expression>;
using Expressions = std::vector<ExpressionPtr>;

struct CallArguments {
  Expressions positional;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  ExpressionPtr more_positional;  ///< *value
  ExpressionPtr more_named;       ///< **value
};

struct Constant {
  Value value;
};
struct Name {
  std::string name;
};
struct Attribute {
  ExpressionPtr object;
  std::string name;
};
struct Item {
  ExpressionPtr object;
  ExpressionPtr index;
};
struct Slice {
  ExpressionPtr object;
  ExpressionPtr start, stop, step;  ///< null where left out
};
struct Call {
  ExpressionPtr callee;
  CallArguments arguments;
};
struct FilterCall {
  ExpressionPtr input;  ///< null: the text of the block around
  Filter filter;
  CallArguments arguments;
};
struct TestCall {
  ExpressionPtr value;
  Test test;
  bool negated;
  CallArguments arguments;
};
enum class UnaryOperator { minus, plus, logical_not };
struct Unary {
  UnaryOperator op;
  ExpressionPtr operand;
};
/// first op second op third ..., from left to right
struct Arithmetic {
  ExpressionPtr first;
  std::vector<std::pair<Operator, ExpressionPtr>> rest;
};
struct Comparison {
  ExpressionPtr first;
  std::vector<std::pair<Relation, ExpressionPtr>> rest;
};
struct Logic {
  bool is_and;
  Expressions operands;
};
/// a ~ b ~ c
struct Concatenation {
  Expressions parts;
};
struct Conditional {
  ExpressionPtr test;
  ExpressionPtr then;
  ExpressionPtr otherwise;  ///< null where left out
};
struct SequenceLiteral {
  bool is_tuple;
  Expressions items;
};
struct DictLiteral {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> entries;
};

struct Expression {
  int line = 0;
  int depth = 1;  ///< of the tree below
  std::variant<Constant, Name, Attribute, Item, Slice, Call, FilterCall, TestCall, Unary, Arithmetic,
               Comparison, Logic, Concatenation, Conditional, SequenceLiteral, DictLiteral>
      node;
};

/// What values are assigned to: a name, an attribute of a namespace, or several targets.
struct Target {
  int line = 0;
  std::string name;
  std::string attribute;      ///< of the namespace `name`; empty for a name
  std::vector<Target> parts;  ///< of a tuple
  bool is_tuple = false;
};

struct Statement;
using Statements = std::vector<Statement>;

struct Text {
  std::string text;
};
struct Output {
  ExpressionPtr value;
};
struct If {
  std::vector<std::pair<ExpressionPtr, Statements>> branches;
  Statements otherwise;
};
struct For {
  Target target;
  ExpressionPtr iterable;
  ExpressionPtr condition;  ///< null where left out
  Statements body;
  Statements otherwise;
};
struct Set {
  Target target;
  ExpressionPtr value;
};
struct SetBlock {
  Target target;
  ExpressionPtr filters;  ///< null where there are none
  Statements body;
};
struct FilterBlock {
  ExpressionPtr filters;
  Statements body;
};
struct With {
  std::vector<std::pair<Target, ExpressionPtr>> assignments;
  Statements body;
};
struct Macro {
  std::string name;
  std::vector<std::string> parameters;
  Expressions defaults;  ///< of the last parameters
  Statements body;
};
/// {% generation %}: marks what the assistant says; its body is rendered in a scope of its own.
struct Generation {
  Statements body;
};
struct Break {};
struct Continue {};

struct Statement {
  int line = 0;
  std::variant<Text, Output, If, For, Set, SetBlock, FilterBlock, With, std::shared_ptr<const Macro>,
               Generation, Break, Continue>
      node;
};

/// A template as ChatTemplate holds it.
struct Program {
  std::string where;
  std::string source;
  Statements body;
};

}  // namespace reckon::jinja
