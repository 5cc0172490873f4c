#include "functions.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "arguments.h"
#include "letters.h"
#include "operators.h"
#include "print.h"

namespace reckon::jinja {
namespace {

constexpr Integer kMaxRange = 100'000;  // MAX_RANGE of jinja2's sandbox

Value make_range(Budget&, const Arguments& arguments) {
  const Parameters given("range", arguments, {"start or stop", "stop", "step"}, 1);
  Range range;
  range.start = given.at(1) ? given.number(0, 0) : 0;
  range.stop = given.number(given.at(1) ? 1 : 0, 0);
  range.step = given.number(2, 1);
  if (range.step == 0) throw Failure("the step of a range is 0");
  constexpr Integer kBound = Integer{1} << 100;  // keeps the sums below from overflowing
  for (const Integer number : {range.start, range.stop, range.step}) {
    if (number > kBound || number < -kBound) throw Failure("a bound of a range has more than 100 bits");
  }
  const Integer distance = range.step > 0 ? range.stop - range.start : range.start - range.stop;
  const Integer stride = range.step > 0 ? range.step : -range.step;
  const Integer length = distance <= 0 ? 0 : (distance + stride - 1) / stride;
  if (length > kMaxRange) {
    throw Failure("a range of " + text_of(length) + " numbers is too long (need at most " +
                  text_of(kMaxRange) + ")");
  }
  range.length = static_cast<std::size_t>(length);
  return {std::make_shared<const Range>(range)};
}

/// dict(mapping or pairs, name=value, ...)
Dict collect_dict(Budget& budget, const char* function, const Arguments& arguments) {
  if (arguments.positional.size() > 1)
    throw Failure(std::string("'") + function + "' takes at most one value");
  Dict result;
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (const auto* dict = source.as<const Dict>()) {
      result = *dict;
      budget.spend(dict->entries.size());
    } else {
      for (const Value& pair : collect(budget, source)) {
        Values parts = collect(budget, pair);
        if (parts.size() != 2) throw Failure(std::string("'") + function + "' needs pairs of key and value");
        check_hashable(budget, parts[0]);
        result.insert(budget, parts[0], parts[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) result.insert(budget, string(name), value);
  return result;
}

Value make_dict(Budget& budget, const Arguments& arguments) {
  return dict(budget, collect_dict(budget, "dict", arguments));
}

Value make_namespace(Budget& budget, const Arguments& arguments, NamespaceKeeper& keeper) {
  budget.spend(10);
  auto space = keeper.make();
  for (auto& [key, value] : collect_dict(budget, "namespace", arguments).entries) {
    if (!key.text()) throw Failure("the names of a namespace must be strings");
    set_attribute(*space, *key.text(), value);
  }
  return {space};
}

Value raise_exception(Budget& budget, const Arguments& arguments) {
  const Parameters given("raise_exception", arguments, {"message"}, 1);
  throw RaisedByTemplate(to_text(budget, *given.at(0)));
}

/// What C's strftime leaves out: Python's %f, and %z and %Z, which are empty for a time without a zone.
std::string resolve_python_codes(const std::string& format, long microseconds) {
  std::string resolved;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%' || i + 1 == format.size()) {
      resolved.push_back(format[i]);
      continue;
    }
    const char code = format[++i];
    if (code == 'f') {
      std::array<char, 8> digits{};
      std::snprintf(digits.data(), digits.size(), "%06ld", microseconds);
      resolved += digits.data();
    } else if (code != 'z' && code != 'Z') {
      resolved.push_back('%');
      resolved.push_back(code);
    }
  }
  return resolved;
}

/// The local time, as datetime.now().strftime(format) writes it.
Value strftime_now(Budget& budget, const Arguments& arguments) {
  const Parameters given("strftime_now", arguments, {"format"}, 1);
  const std::optional<std::time_t> fixed = budget.limits().now;
  const auto now = fixed ? std::chrono::system_clock::from_time_t(*fixed) : std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto since = std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  const std::string format = resolve_python_codes(given.text(0, ""), static_cast<long>(since % 1'000'000));
  if (format.size() > 1000) throw Failure("the format of 'strftime_now' is longer than 1000 bytes");
  budget.spend_text(format.size());
  std::tm local{};
  fixed ? gmtime_r(&seconds, &local) : localtime_r(&seconds, &local);
  std::array<char, 1 << 16> buffer{};
  const std::size_t length = std::strftime(buffer.data(), buffer.size(), format.c_str(), &local);
  std::string text(buffer.data(), length);
  for (std::size_t at = 0; at < text.size();) {
    const auto character = utf8_character_at(text, at);
    if (!character) throw Failure("'strftime_now' gives text that is not UTF-8");
    at += character->num_bytes;
  }
  return string(std::move(text));
}

}  // namespace

NamespaceKeeper::~NamespaceKeeper() {
  for (const auto& space : made_) space->attributes.clear();
}

std::shared_ptr<Namespace> NamespaceKeeper::make() {
  made_.push_back(std::make_shared<Namespace>());
  return made_.back();
}

void set_attribute(Namespace& space, const std::string& name, Value value) {
  if (name.starts_with('_')) {
    throw Failure("a namespace cannot have the attribute '" + name + "' (need a name without '_' before it)");
  }
  space.set(name, std::move(value));
}

std::optional<Value> find_global(std::string_view name, NamespaceKeeper& keeper) {
  if (name == "range") return function("range", make_range);
  if (name == "dict") return function("dict", make_dict);
  if (name == "raise_exception") return function("raise_exception", raise_exception);
  if (name == "strftime_now") return function("strftime_now", strftime_now);
  if (name == "namespace") {
    return function("namespace", [&keeper](Budget& budget, const Arguments& arguments) {
      return make_namespace(budget, arguments, keeper);
    });
  }
  if (name == "cycler" || name == "joiner" || name == "lipsum") {
    throw Failure("the function '" + std::string(name) + "' is not supported");
  }
  return std::nullopt;
}

}  // namespace reckon::jinja
