#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "value.h"

namespace reckon::jinja {

/// Keeps the namespaces that a rendering makes and empties them at its end: they may hold each other.
class NamespaceKeeper {
 public:
  NamespaceKeeper() = default;
  ~NamespaceKeeper();
  NamespaceKeeper(const NamespaceKeeper&) = delete;
  NamespaceKeeper& operator=(const NamespaceKeeper&) = delete;
  [[nodiscard]] std::shared_ptr<Namespace> make();

 private:
  std::vector<std::shared_ptr<Namespace>> made_;
};

/// namespace.name = value. \throws Failure for a name that begins with "_", as `transformers` does.
void set_attribute(Namespace& space, const std::string& name, Value value);

/// The function or class that every template knows by that name; nothing where there is none. `keeper`
/// outlives the value. \throws Failure for those of jinja2 that are not supported: cycler, joiner, lipsum.
[[nodiscard]] std::optional<Value> find_global(std::string_view name, NamespaceKeeper& keeper);

}  // namespace reckon::jinja
