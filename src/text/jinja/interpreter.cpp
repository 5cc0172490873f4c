#include "interpreter.h"

#include <algorithm>

#include "methods.h"
#include "print.h"

namespace reckon::jinja {
namespace {

ScopePtr inside(const ScopePtr& outer) {
  return std::make_shared<Scope>(Scope{outer, {}});
}

}  // namespace

const Value* Scope::find(std::string_view name) const {
  for (const Scope* scope = this; scope != nullptr; scope = scope->outer.get()) {
    const auto found = scope->variables.find(name);
    if (found != scope->variables.end()) return &found->second;
  }
  return nullptr;
}

Interpreter::Interpreter(Budget& budget, ScopePtr variables)
    : budget_(budget), variables_(std::move(variables)) {}

Interpreter::~Interpreter() {
  // Iterations and macros hold scopes and scopes hold them; emptied, none holds the other.
  for (const ScopePtr& scope : pinned_) scope->variables.clear();
  variables_->variables.clear();
}

std::string Interpreter::run(const Statements& body) {
  execute(body, variables_);
  return std::move(output_);
}

Interpreter::Flow Interpreter::execute(const Statements& body, const ScopePtr& scope) {
  const Budget::Level level(budget_);
  for (const Statement& statement : body) {
    line_ = statement.line;
    budget_.spend();
    const Flow flow = std::visit([&](const auto& node) { return execute(node, scope); }, statement.node);
    if (flow != Flow::next) return flow;
  }
  return Flow::next;
}

void Interpreter::write(std::string_view text) {
  budget_.spend_text(text.size());
  budget_.check_text(target_->size() + text.size());
  target_->append(text);
}

Interpreter::Flow Interpreter::capture(const Statements& body, const ScopePtr& scope, std::string& text) {
  struct Redirection {
    std::string*& target;
    std::string* before;
    ~Redirection() { target = before; }
  };
  const Redirection redirection{target_, target_};
  target_ = &text;
  return execute(body, scope);
}

Interpreter::Flow Interpreter::execute(const Text& node, const ScopePtr&) {
  write(node.text);
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const Output& node, const ScopePtr& scope) {
  const Value value = evaluate(*node.value, *scope);
  if (const auto* text = value.text()) {
    write(*text);
  } else {
    write(to_text(budget_, value));
  }
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const If& node, const ScopePtr& scope) {
  for (const auto& [test, body] : node.branches) {
    if (truth(evaluate(*test, *scope))) return execute(body, scope);
  }
  return execute(node.otherwise, scope);
}

/// The values for which the loop's condition holds, looked at one by one as the loop goes on.
Pull Interpreter::filtered(const For& node, const ScopePtr& scope, Pull pull) {
  return [this, &node, scope, pull = std::move(pull)]() -> std::optional<Value> {
    while (auto value = pull()) {
      budget_.spend();
      const ScopePtr test_scope = inside(scope);
      assign(node.target, *value, *test_scope);
      if (truth(evaluate(*node.condition, *test_scope))) return value;
    }
    return std::nullopt;
  };
}

Interpreter::Flow Interpreter::execute(const For& node, const ScopePtr& scope) {
  const Value values = evaluate(*node.iterable, *scope);
  Pull pull = iterate(budget_, values);
  std::optional<std::size_t> length;
  if (node.condition) {
    pull = filtered(node, scope, std::move(pull));
  } else if (!values.as<Generator>()) {
    if (values.text()) budget_.spend_text(values.text()->size());
    length = length_of(values);
  }
  const auto loop = std::make_shared<Loop>(std::move(pull), length, depth_of(values));
  budget_.check_depth(loop->depth());
  bool completed = false;
  while (loop->advance()) {
    budget_.spend();
    const ScopePtr inner = inside(scope);
    inner->variables.emplace("loop", Value{loop});
    assign(node.target, loop->current(), *inner);
    const Flow flow = execute(node.body, inner);
    if (flow == Flow::break_loop) break;
    // As in jinja2, "else" runs unless a body came to its end; "continue" does not count.
    if (flow == Flow::next) completed = true;
  }
  if (completed) return Flow::next;
  return execute(node.otherwise, inside(scope));
}

Interpreter::Flow Interpreter::execute(const Set& node, const ScopePtr& scope) {
  check_namespaces(node.target, *scope);
  const Value value = evaluate(*node.value, *scope);
  assign(node.target, value, *scope);
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const SetBlock& node, const ScopePtr& scope) {
  const ScopePtr inner = inside(scope);
  std::string text;
  const Flow flow = capture(node.body, inner, text);
  if (flow != Flow::next) return flow;
  Value value = string(std::move(text));
  if (node.filters) value = evaluate_filters(*node.filters, *inner, value);
  check_namespaces(node.target, *scope);
  assign(node.target, value, *scope);
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const FilterBlock& node, const ScopePtr& scope) {
  const ScopePtr inner = inside(scope);
  std::string text;
  const Flow flow = capture(node.body, inner, text);
  if (flow != Flow::next) return flow;
  const Value filtered_text = evaluate_filters(*node.filters, *inner, string(std::move(text)));
  if (!filtered_text.text()) {
    throw Failure("the filters of a block give a value of type '" + type_name(filtered_text) +
                  "' (need text)");
  }
  write(*filtered_text.text());
  return Flow::next;
}

Interpreter::Flow Interpreter::execute(const With& node, const ScopePtr& scope) {
  const ScopePtr inner = inside(scope);
  for (const auto& [target, value] : node.assignments) assign(target, evaluate(*value, *scope), *inner);
  return execute(node.body, inner);
}

Interpreter::Flow Interpreter::execute(const Generation& node, const ScopePtr& scope) {
  return execute(node.body, inside(scope));
}

Interpreter::Flow Interpreter::execute(const Break&, const ScopePtr&) {
  return Flow::break_loop;
}
Interpreter::Flow Interpreter::execute(const Continue&, const ScopePtr&) {
  return Flow::continue_loop;
}

/// jinja2 looks at the namespaces before it evaluates what they are to hold.
void Interpreter::check_namespaces(const Target& target, const Scope& scope) const {
  for (const Target& part : target.parts) check_namespaces(part, scope);
  if (target.attribute.empty()) return;
  const Value* space = scope.find(target.name);
  if (!space || !space->as<Namespace>()) {
    throw Failure("'" + target.name + "' is no namespace (need set " + target.name +
                  " = namespace() before its attributes are set)");
  }
}

void Interpreter::assign(const Target& target, const Value& value, Scope& scope) {
  if (target.is_tuple) {
    const Values values = value.items() ? *value.items() : collect(budget_, value);
    if (values.size() != target.parts.size()) {
      throw Failure("cannot assign " + std::to_string(values.size()) + " values to " +
                    std::to_string(target.parts.size()) + " variables");
    }
    for (std::size_t i = 0; i < values.size(); ++i) assign(target.parts[i], values[i], scope);
    return;
  }
  if (target.attribute.empty()) {
    scope.variables.insert_or_assign(target.name, value);
    return;
  }
  const Value* space = scope.find(target.name);
  if (!space || !space->as<Namespace>()) throw Failure("'" + target.name + "' is no namespace");
  set_attribute(*space->as<Namespace>(), target.attribute, value);
}

Interpreter::Flow Interpreter::execute(const std::shared_ptr<const Macro>& node, const ScopePtr& scope) {
  budget_.spend(50);  // the scope stays
  pinned_.push_back(scope);
  Scope* defined_in = scope.get();
  scope->variables.insert_or_assign(
      node->name, function(node->name, [this, node, defined_in](Budget&, const Arguments& arguments) {
        // Owned by pinned_, as long as the macro can be called.
        return call_macro(*node, ScopePtr(ScopePtr(), defined_in), arguments);
      }));
  return Flow::next;
}

Value Interpreter::call_macro(const Macro& macro, const ScopePtr& defined_in, const Arguments& arguments) {
  budget_.check_depth(macro_depth_ + 1);
  struct Depth {
    std::size_t& depth;
    ~Depth() { --depth; }
  };
  const Depth depth{++macro_depth_};
  const int called_from = line_;
  const ScopePtr scope = inside(defined_in);
  bind_parameters(macro, arguments, scope);
  std::string text;
  capture(macro.body, scope, text);
  line_ = called_from;
  return string(std::move(text));
}

void Interpreter::bind_parameters(const Macro& macro, const Arguments& arguments, const ScopePtr& scope) {
  const std::size_t num_parameters = macro.parameters.size();
  const std::string place = "the macro '" + macro.name + "'";
  if (arguments.positional.size() > num_parameters) {
    throw Failure(place + " takes at most " + std::to_string(num_parameters) + " arguments, not " +
                  std::to_string(arguments.positional.size()));
  }
  std::vector<const Value*> given(num_parameters, nullptr);
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) given[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(macro.parameters.begin(), macro.parameters.end(), name);
    const auto index = static_cast<std::size_t>(found - macro.parameters.begin());
    if (found == macro.parameters.end() || given[index]) {
      throw Failure(
          place +
          (found == macro.parameters.end() ? " has no argument '" : " is given twice the argument '") + name +
          "'");
    }
    given[index] = &value;
  }
  // A default sees the parameters before it; those behind it are undefined, whatever is outside.
  for (const std::string& name : macro.parameters) {
    scope->variables.insert_or_assign(name, undefined("parameter '" + name + "' was not provided"));
  }
  const std::size_t first_default = num_parameters - macro.defaults.size();
  for (std::size_t i = 0; i < num_parameters; ++i) {
    if (given[i]) {
      scope->variables.insert_or_assign(macro.parameters[i], *given[i]);
    } else if (i >= first_default) {
      scope->variables.insert_or_assign(macro.parameters[i],
                                        evaluate(*macro.defaults[i - first_default], *scope));
    }
  }
}

}  // namespace reckon::jinja
