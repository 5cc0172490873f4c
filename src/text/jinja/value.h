#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "budget.h"

// The values of a template: Python's, as far as templates see them. All but namespaces, generators and loops
// are immutable and shared. Every container knows its depth, which the budget bounds, so that recursion over
// values, their destruction included, fits the stack.
namespace reckon::jinja {

__extension__ typedef __int128 Integer;  // wide enough that the sum or product of two 64-bit numbers fits

struct Value;
using Values = std::vector<Value>;
/// The next value of an iteration, nothing at its end.
using Pull = std::function<std::optional<Value>()>;

/// A missing variable, key or attribute. It prints as "" and counts as false; anything else done to it fails
/// with the message.
struct Undefined {
  std::shared_ptr<const std::string> message;
  bool operator==(const Undefined&) const { return true; }
};
struct None {
  bool operator==(const None&) const = default;
};
/// Valid UTF-8. \note `markup` marks the result of the filter `safe`: what is added to it gets escaped.
struct String {
  std::string utf8;
  bool markup = false;
};
struct List;
struct Tuple;
class Dict;
struct DictView;
struct Range;
struct Generator;
struct Namespace;
class Loop;
struct Function;

struct Value {
  using Data =
      std::variant<Undefined, None, bool, Integer, double, std::shared_ptr<const String>,
                   std::shared_ptr<const List>, std::shared_ptr<const Tuple>, std::shared_ptr<const Dict>,
                   std::shared_ptr<const DictView>, std::shared_ptr<const Range>, std::shared_ptr<Generator>,
                   std::shared_ptr<Namespace>, std::shared_ptr<Loop>, std::shared_ptr<const Function>>;
  Data data;

  /// Whether it is an Undefined, None, bool, Integer or double.
  template <class T>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<T>(data);
  }
  template <class T>
  [[nodiscard]] const T* get() const {
    return std::get_if<T>(&data);
  }
  /// The object it points to, null where it is another type.
  template <class T>
  [[nodiscard]] T* as() const {
    const auto* held = std::get_if<std::shared_ptr<T>>(&data);
    return held ? held->get() : nullptr;
  }
  /// The text of a string, null where it is none.
  [[nodiscard]] const std::string* text() const;
  /// The items of a list or a tuple, null where it is neither.
  [[nodiscard]] const Values* items() const;
};

struct List {
  Values values;
  std::size_t depth = 1;
};
struct Tuple {
  Values values;
  std::size_t depth = 1;
};
class Dict {
 public:
  std::vector<std::pair<Value, Value>> entries;     ///< in order of insertion; keys are unique
  std::map<std::string_view, std::size_t> by_text;  ///< index of the entries whose key is a string
  std::size_t depth = 1;

  /// Null where the key is missing. `key` is hashable.
  [[nodiscard]] const Value* find(Budget& budget, const Value& key) const;
  [[nodiscard]] const Value* find(std::string_view key) const;
  void insert(Budget& budget, Value key, Value value);

 private:
  [[nodiscard]] std::optional<std::size_t> index_of(Budget& budget, const Value& key) const;
};
enum class DictPart { keys, values, items };
struct DictView {
  std::shared_ptr<const Dict> dict;
  DictPart part = DictPart::keys;
};
struct Range {
  Integer start = 0;
  Integer stop = 0;  ///< as given
  Integer step = 1;
  std::size_t length = 0;
  [[nodiscard]] Integer at(std::size_t i) const { return start + static_cast<Integer>(i) * step; }
};
/// An iteration that can be made once: what map, select and the like return.
struct Generator {
  Pull next;
  std::size_t depth = 1;
};
/// What namespace() makes: the only thing a template can change.
struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;  ///< in order of their first assignment
  std::map<std::string, std::size_t, std::less<>> by_name;
  [[nodiscard]] const Value* find(std::string_view name) const;
  void set(const std::string& name, Value value);
};

struct Arguments {
  Values positional;
  std::vector<std::pair<std::string, Value>> named;
};
/// A macro, a function or a method of a value.
struct Function {
  std::string name;
  std::function<Value(Budget&, const Arguments&)> call;
  std::size_t depth = 1;
};

/// The variable `loop` of a for loop, which reads its items one ahead where asked for the next.
class Loop {
 public:
  /// \param length  of the iterated value, where it has one.
  Loop(Pull pull, std::optional<std::size_t> length, std::size_t value_depth);
  /// Goes to the next item; false at the end.
  bool advance();
  [[nodiscard]] const Value& current() const { return current_; }
  [[nodiscard]] Integer index0() const { return index0_; }
  [[nodiscard]] const Value* previous() const { return index0_ > 0 ? &previous_ : nullptr; }
  [[nodiscard]] const Value* peek();
  [[nodiscard]] std::size_t length();
  [[nodiscard]] std::size_t depth() const { return depth_; }

  std::optional<Values> last_changed;  ///< the arguments of the last call of loop.changed()

 private:
  Pull pull_;
  std::deque<Value> ahead_;
  std::optional<std::size_t> length_;
  std::size_t depth_;
  Integer index0_ = -1;
  Value current_;
  Value previous_;
};

[[nodiscard]] Value undefined(std::string message);
[[nodiscard]] Value none();
[[nodiscard]] Value boolean(bool value);
[[nodiscard]] Value integer(Integer value);
[[nodiscard]] Value real(double value);
[[nodiscard]] Value string(std::string utf8, bool markup = false);
[[nodiscard]] Value list(Budget& budget, Values values);
[[nodiscard]] Value tuple(Budget& budget, Values values);
/// \param dict  its depth is set here.
[[nodiscard]] Value dict(Budget& budget, Dict dict);
/// \param depth  of the deepest value that `next` holds.
[[nodiscard]] Value generator(Budget& budget, Pull next, std::size_t depth);
[[nodiscard]] Value function(std::string name, std::function<Value(Budget&, const Arguments&)> call,
                             std::size_t depth = 0);
/// How deep containers are nested in it: 0 for a plain value.
[[nodiscard]] std::size_t depth_of(const Value& value);

/// \throws Failure where it is nested too deeply or a text is not UTF-8.
[[nodiscard]] Value from_json(Budget& budget, const nlohmann::ordered_json& json);

/// The name of the value's type in Python: "str", "NoneType".
[[nodiscard]] std::string type_name(const Value& value);

}  // namespace reckon::jinja
