#include <algorithm>

#include "interpreter.h"
#include "methods.h"
#include "print.h"

namespace reckon::jinja {

Value Interpreter::evaluate(const Expression& expression, Scope& scope) {
  const Budget::Level level(budget_);
  budget_.spend();
  line_ = expression.line;
  return std::visit([&](const auto& node) { return evaluate(node, scope); }, expression.node);
}

Value Interpreter::evaluate(const Constant& node, Scope&) {
  return node.value;
}

Value Interpreter::evaluate(const Name& node, Scope& scope) {
  if (const Value* value = scope.find(node.name)) return *value;
  if (auto global = find_global(node.name, namespaces_)) return std::move(*global);
  return undefined("'" + node.name + "' is undefined");
}

Value Interpreter::evaluate(const Attribute& node, Scope& scope) {
  return attribute(budget_, evaluate(*node.object, scope), node.name);
}

Value Interpreter::evaluate(const Item& node, Scope& scope) {
  const Value object = evaluate(*node.object, scope);
  return item(budget_, object, evaluate(*node.index, scope));
}

Value Interpreter::evaluate(const Slice& node, Scope& scope) {
  const Value object = evaluate(*node.object, scope);
  const auto bound = [&](const ExpressionPtr& expression) {
    return expression ? evaluate(*expression, scope) : none();
  };
  const Value start = bound(node.start);
  const Value stop = bound(node.stop);
  const Value step = bound(node.step);
  return slice(budget_, object, &start, &stop, &step);
}

Arguments Interpreter::evaluate(const CallArguments& arguments, Scope& scope) {
  Arguments values;
  for (const ExpressionPtr& argument : arguments.positional) {
    values.positional.push_back(evaluate(*argument, scope));
  }
  for (const auto& [name, argument] : arguments.named) {
    values.named.emplace_back(name, evaluate(*argument, scope));
  }
  if (arguments.more_positional) {
    for (Value& value : collect(budget_, evaluate(*arguments.more_positional, scope))) {
      values.positional.push_back(std::move(value));
    }
  }
  if (arguments.more_named) {
    const Value more = evaluate(*arguments.more_named, scope);
    const auto* dict = more.as<const Dict>();
    if (!dict) throw Failure("'**' needs a dict before the arguments of a call");
    for (const auto& [key, value] : dict->entries) {
      if (!key.text()) throw Failure("'**' needs a dict whose keys are strings");
      values.named.emplace_back(*key.text(), value);
    }
  }
  return values;
}

Value Interpreter::evaluate(const Call& node, Scope& scope) {
  const int line = line_;
  const Value callee = evaluate(*node.callee, scope);
  const Arguments arguments = evaluate(node.arguments, scope);
  line_ = line;
  if (callee.is<Undefined>()) fail_undefined(callee);
  const auto* callable = callee.as<const Function>();
  if (!callable) throw Failure("a value of type '" + type_name(callee) + "' cannot be called");
  return callable->call(budget_, arguments);
}

Value Interpreter::evaluate(const FilterCall& node, Scope& scope) {
  const int line = line_;
  const Value input = evaluate(*node.input, scope);
  const Arguments arguments = evaluate(node.arguments, scope);
  line_ = line;
  return node.filter(budget_, input, arguments);
}

Value Interpreter::evaluate_filters(const Expression& expression, Scope& scope, const Value& block_text) {
  const auto& node = std::get<FilterCall>(expression.node);
  const Value input = node.input ? evaluate_filters(*node.input, scope, block_text) : block_text;
  const Arguments arguments = evaluate(node.arguments, scope);
  line_ = expression.line;
  return node.filter(budget_, input, arguments);
}

Value Interpreter::evaluate(const TestCall& node, Scope& scope) {
  const int line = line_;
  const Value value = evaluate(*node.value, scope);
  const Arguments arguments = evaluate(node.arguments, scope);
  line_ = line;
  return boolean(node.test(budget_, value, arguments) != node.negated);
}

Value Interpreter::evaluate(const Unary& node, Scope& scope) {
  const Value operand = evaluate(*node.operand, scope);
  if (node.op == UnaryOperator::logical_not) return boolean(!truth(operand));
  return node.op == UnaryOperator::minus ? negate(operand) : plus(operand);
}

Value Interpreter::evaluate(const Arithmetic& node, Scope& scope) {
  Value result = evaluate(*node.first, scope);
  for (const auto& [op, operand] : node.rest) {
    result = apply(budget_, op, result, evaluate(*operand, scope));
  }
  return result;
}

Value Interpreter::evaluate(const Comparison& node, Scope& scope) {
  Value left = evaluate(*node.first, scope);
  for (const auto& [relation, operand] : node.rest) {
    Value right = evaluate(*operand, scope);
    if (!compare(budget_, relation, left, right)) return boolean(false);
    left = std::move(right);
  }
  return boolean(true);
}

Value Interpreter::evaluate(const Logic& node, Scope& scope) {
  Value result;
  for (const ExpressionPtr& operand : node.operands) {
    result = evaluate(*operand, scope);
    if (truth(result) != node.is_and) break;
  }
  return result;
}

Value Interpreter::evaluate(const Concatenation& node, Scope& scope) {
  std::string text;
  for (const ExpressionPtr& part : node.parts) {
    text += to_text(budget_, evaluate(*part, scope));
    budget_.check_text(text.size());
  }
  budget_.spend_text(text.size());
  return string(std::move(text));
}

Value Interpreter::evaluate(const Conditional& node, Scope& scope) {
  const int line = line_;
  if (truth(evaluate(*node.test, scope))) return evaluate(*node.then, scope);
  if (node.otherwise) return evaluate(*node.otherwise, scope);
  return undefined("the inline if-expression on line " + std::to_string(line) +
                   " evaluated to false and no else section was defined");
}

Value Interpreter::evaluate(const SequenceLiteral& node, Scope& scope) {
  Values values;
  for (const ExpressionPtr& element : node.items) values.push_back(evaluate(*element, scope));
  return node.is_tuple ? tuple(budget_, std::move(values)) : list(budget_, std::move(values));
}

Value Interpreter::evaluate(const DictLiteral& node, Scope& scope) {
  Dict result;
  for (const auto& [key, value] : node.entries) {
    const Value key_value = evaluate(*key, scope);
    check_hashable(budget_, key_value);
    result.insert(budget_, key_value, evaluate(*value, scope));
  }
  return dict(budget_, std::move(result));
}

}  // namespace reckon::jinja
