#include "arguments.h"

#include <algorithm>

#include "operators.h"

namespace reckon::jinja {

Parameters::Parameters(const char* function, const Arguments& arguments,
                       std::initializer_list<const char*> names, std::size_t required)
    : function_(function), names_(names), values_(names.size(), nullptr) {
  const std::string place = std::string("'") + function + "'";
  if (arguments.positional.size() > names_.size()) {
    throw Failure(place + " takes at most " + std::to_string(names_.size()) + " arguments, not " +
                  std::to_string(arguments.positional.size()));
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i) values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) throw Failure(place + " has no argument '" + name + "'");
    const auto index = static_cast<std::size_t>(found - names_.begin());
    if (values_[index]) throw Failure(place + " is given the argument '" + name + "' twice");
    values_[index] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (!values_[i]) throw Failure(place + " needs the argument '" + names_[i] + "'");
  }
}

const Value* Parameters::some(std::size_t i) const {
  return values_[i] && !values_[i]->is<None>() ? values_[i] : nullptr;
}

bool Parameters::flag(std::size_t i, bool otherwise) const {
  return values_[i] ? truth(*values_[i]) : otherwise;
}

std::string Parameters::text(std::size_t i, const char* otherwise) const {
  if (!values_[i]) return otherwise;
  if (const auto* text = values_[i]->text()) return *text;
  throw Failure(std::string("'") + function_ + "' needs a str as '" + names_[i] + "', not a value of type '" +
                type_name(*values_[i]) + "'");
}

Integer Parameters::number(std::size_t i, Integer otherwise) const {
  if (!values_[i]) return otherwise;
  if (const auto number = as_integer(*values_[i])) return *number;
  throw Failure(std::string("'") + function_ + "' needs an int as '" + names_[i] +
                "', not a value of type '" + type_name(*values_[i]) + "'");
}

}  // namespace reckon::jinja
