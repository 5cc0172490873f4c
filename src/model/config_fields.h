#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "json_text.h"
#include "reckon/base/describe.h"
#include "reckon/base/error.h"

namespace reckon {

using Problems = std::vector<std::string>;

inline std::string number_text(double value) {
  std::ostringstream text;
  text.precision(12);
  text << value;
  return text.str();
}

inline std::string range_text(const Bounds& bounds) {
  const bool low = bounds.low > -std::numeric_limits<double>::infinity();
  const bool high = bounds.high < std::numeric_limits<double>::infinity();
  std::string text;
  if (low) text += (bounds.low_open ? " above " : " from ") + number_text(bounds.low);
  if (high) text += (bounds.high_open ? " below " : " to ") + number_text(bounds.high);
  return text;
}

inline bool inside(double value, const Bounds& bounds) {
  return (bounds.low_open ? value > bounds.low : value >= bounds.low) &&
         (bounds.high_open ? value < bounds.high : value <= bounds.high);
}

/// Takes checked values out of a JSON object; what is wrong is put down and the default kept, so that one
/// reading finds every problem. A null is a field that is left out. Called as a visitor by
/// describe(ModelInitConfig), which alone knows the ranges.
class Fields {
 public:
  Fields(const nlohmann::json& object, Problems& problems, std::string prefix = "")
      : object_(object), problems_(problems), prefix_(std::move(prefix)) {}

  /// The field, or nullptr where it is left out.
  [[nodiscard]] const nlohmann::json* get(std::string_view name) const {
    const auto found = object_.find(name);
    return found == object_.end() || found->is_null() ? nullptr : &*found;
  }
  void wrong(std::string_view name, const nlohmann::json& value, const std::string& need) {
    problems_.push_back(prefix_ + std::string(name) + " is " + shown(value) + " (need " + need + ")");
  }
  void integer(std::string_view name, std::int64_t& target, const Bounds& bounds) {
    const nlohmann::json* value = get(name);
    if (value == nullptr) {
      if (bounds.required) problems_.push_back(prefix_ + std::string(name) + " is missing");
      return;
    }
    const bool fits = value->is_number_integer() && inside(value->get<double>(), bounds);
    if (!fits) return wrong(name, *value, "a whole number" + range_text(bounds));
    target = value->get<std::int64_t>();
  }
  void real(std::string_view name, double& target, const Bounds& bounds) {
    const nlohmann::json* value = get(name);
    if (value == nullptr) {
      if (bounds.required) problems_.push_back(prefix_ + std::string(name) + " is missing");
      return;
    }
    if (!value->is_number() || !inside(value->get<double>(), bounds)) {
      return wrong(name, *value, "a number" + range_text(bounds));
    }
    target = value->get<double>();
  }
  void boolean(std::string_view name, bool& target) {
    const nlohmann::json* value = get(name);
    if (value == nullptr) return;
    if (!value->is_boolean()) return wrong(name, *value, "true or false");
    target = value->get<bool>();
  }
  /// A field that must be left out or be this.
  void only(std::string_view name, const nlohmann::json& supported) {
    const nlohmann::json* value = get(name);
    if (value != nullptr && *value != supported) {
      problems_.push_back(prefix_ + std::string(name) + " is " + shown(*value) +
                          " (supported: " + shown(supported) + ")");
    }
  }

  void operator()(std::string_view name, std::int64_t& target, const Bounds& bounds, std::string_view) {
    const bool has_default = name == "head_dim" || name == "num_key_value_heads";
    integer(name, target, has_default ? bounds : required(bounds));
  }
  void operator()(std::string_view name, double& target, const Bounds& bounds, std::string_view) {
    if (name != "rope_theta") real(name, target, bounds);  // which has several places: read_rope
  }
  template <class Other>
  void operator()(std::string_view, Other&, const Bounds&, std::string_view) {
  }  // of recipes, not of config.json

 private:
  const nlohmann::json& object_;
  Problems& problems_;
  std::string prefix_;
};

/// \throws Error(bad_data)  where the text is not a JSON object, or a key stands twice in one object: of two
/// values the parser would silently keep the last.
[[nodiscard]] nlohmann::json parse_object(std::string_view text, const std::string& where);

/// \throws Error(code) with a line for every problem, where there is any.
void throw_problems(ExitCode code, const Problems& problems, const std::string& where);

}  // namespace reckon
