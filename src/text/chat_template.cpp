#include "reckon/text/chat_template.h"

#include <nlohmann/json.hpp>

#include "jinja/interpreter.h"
#include "jinja/lexer.h"
#include "jinja/parser.h"
#include "reckon/base/error.h"
#include "reckon/base/one_line.h"

namespace reckon {

ChatTemplate ChatTemplate::parse(std::string_view source, std::string_view where) {
  auto program = std::make_shared<jinja::Program>();
  program->where = std::string(where);
  program->source = std::string(source);
  try {
    program->body = jinja::Parser(jinja::tokenize(source)).parse();
  } catch (const jinja::SyntaxError& error) {
    throw Error(ExitCode::bad_data,
                program->where + ":" + std::to_string(error.line()) + ": " + in_one_line(error.what()));
  }
  return ChatTemplate(std::move(program));
}

std::string ChatTemplate::render(const nlohmann::ordered_json& variables,
                                 const TemplateLimits& limits) const {
  if (!variables.is_object()) {
    throw Error(ExitCode::bad_data, program_->where + ": the variables are a JSON " + variables.type_name() +
                                        " (need an object)");
  }
  jinja::Budget budget(limits);
  auto scope = std::make_shared<jinja::Scope>();
  try {
    for (const auto& [name, value] : variables.items()) {
      scope->variables.insert_or_assign(name, jinja::from_json(budget, value));
    }
  } catch (const jinja::Failure& failure) {
    throw Error(ExitCode::bad_data, program_->where + ": " + in_one_line(failure.what()));
  }
  jinja::Interpreter interpreter(budget, std::move(scope));
  try {
    return interpreter.run(program_->body);
  } catch (const jinja::RaisedByTemplate& failure) {
    throw Error(ExitCode::bad_data, program_->where + ": " + in_one_line(failure.what()) +
                                        " (raised by the template, line " +
                                        std::to_string(interpreter.line()) + ")");
  } catch (const jinja::Failure& failure) {
    throw Error(ExitCode::bad_data, program_->where + ":" + std::to_string(interpreter.line()) + ": " +
                                        in_one_line(failure.what()));
  }
}

const std::string& ChatTemplate::source() const {
  return program_->source;
}

}  // namespace reckon
