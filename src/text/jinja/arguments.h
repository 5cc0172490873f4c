#pragma once

#include <initializer_list>
#include <string>

#include "value.h"

namespace reckon::jinja {

/// The arguments of a call by the names of the parameters, as Python binds them.
class Parameters {
 public:
  /// \param required  the first so many must be given.
  /// \throws Failure at too many arguments, an unknown name, a name given twice, a missing one.
  Parameters(const char* function, const Arguments& arguments, std::initializer_list<const char*> names,
             std::size_t required = 0);

  /// Null where the argument was not given.
  [[nodiscard]] const Value* at(std::size_t i) const { return values_[i]; }
  /// Null where it was not given or is none.
  [[nodiscard]] const Value* some(std::size_t i) const;
  [[nodiscard]] bool flag(std::size_t i, bool otherwise) const;
  /// \throws Failure where it is not a string.
  [[nodiscard]] std::string text(std::size_t i, const char* otherwise) const;
  /// \throws Failure where it is not an integer.
  [[nodiscard]] Integer number(std::size_t i, Integer otherwise) const;

 private:
  const char* function_;
  std::vector<const char*> names_;
  std::vector<const Value*> values_;
};

}  // namespace reckon::jinja
