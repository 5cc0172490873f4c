#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ast.h"
#include "functions.h"

namespace reckon::jinja {

/// Variables of one block; what is not found is looked for in the block around.
struct Scope {
  std::shared_ptr<Scope> outer;
  std::map<std::string, Value, std::less<>> variables;
  [[nodiscard]] const Value* find(std::string_view name) const;
};
using ScopePtr = std::shared_ptr<Scope>;

/// Runs a program once. Blocks are in interpreter.cpp, expressions in evaluate.cpp.
class Interpreter {
 public:
  Interpreter(Budget& budget, ScopePtr variables);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  /// \throws Failure; line() then is where.
  std::string run(const Statements& body);
  [[nodiscard]] int line() const { return line_; }

 private:
  enum class Flow { next, break_loop, continue_loop };

  Flow execute(const Statements& body, const ScopePtr& scope);
  Flow execute(const Text& node, const ScopePtr& scope);
  Flow execute(const Output& node, const ScopePtr& scope);
  Flow execute(const If& node, const ScopePtr& scope);
  Flow execute(const For& node, const ScopePtr& scope);
  Flow execute(const Set& node, const ScopePtr& scope);
  Flow execute(const SetBlock& node, const ScopePtr& scope);
  Flow execute(const FilterBlock& node, const ScopePtr& scope);
  Flow execute(const With& node, const ScopePtr& scope);
  Flow execute(const std::shared_ptr<const Macro>& node, const ScopePtr& scope);
  Flow execute(const Generation& node, const ScopePtr& scope);
  Flow execute(const Break& node, const ScopePtr& scope);
  Flow execute(const Continue& node, const ScopePtr& scope);

  void write(std::string_view text);
  /// Runs a body whose output goes to `text`.
  Flow capture(const Statements& body, const ScopePtr& scope, std::string& text);
  Pull filtered(const For& node, const ScopePtr& scope, Pull pull);
  void check_namespaces(const Target& target, const Scope& scope) const;
  void assign(const Target& target, const Value& value, Scope& scope);
  Value call_macro(const Macro& macro, const ScopePtr& defined_in, const Arguments& arguments);
  void bind_parameters(const Macro& macro, const Arguments& arguments, const ScopePtr& scope);

  Value evaluate(const Expression& expression, Scope& scope);
  /// \param block_text  the input of filters of a block.
  Value evaluate_filters(const Expression& expression, Scope& scope, const Value& block_text);
  Value evaluate(const Constant& node, Scope& scope);
  Value evaluate(const Name& node, Scope& scope);
  Value evaluate(const Attribute& node, Scope& scope);
  Value evaluate(const Item& node, Scope& scope);
  Value evaluate(const Slice& node, Scope& scope);
  Value evaluate(const Call& node, Scope& scope);
  Value evaluate(const FilterCall& node, Scope& scope);
  Value evaluate(const TestCall& node, Scope& scope);
  Value evaluate(const Unary& node, Scope& scope);
  Value evaluate(const Arithmetic& node, Scope& scope);
  Value evaluate(const Comparison& node, Scope& scope);
  Value evaluate(const Logic& node, Scope& scope);
  Value evaluate(const Concatenation& node, Scope& scope);
  Value evaluate(const Conditional& node, Scope& scope);
  Value evaluate(const SequenceLiteral& node, Scope& scope);
  Value evaluate(const DictLiteral& node, Scope& scope);
  Arguments evaluate(const CallArguments& arguments, Scope& scope);

  Budget& budget_;
  NamespaceKeeper namespaces_;
  ScopePtr variables_;
  std::vector<ScopePtr> pinned_;  ///< scopes that macros were defined in; macros point to them without owning
  std::string output_;
  std::string* target_ = &output_;  ///< where output goes: the output, or the text of a block
  std::size_t macro_depth_ = 0;
  int line_ = 1;
};

}  // namespace reckon::jinja
