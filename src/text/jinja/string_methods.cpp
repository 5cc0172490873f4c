#include <algorithm>
#include <map>

#include "arguments.h"
#include "letters.h"
#include "methods.h"
#include "operators.h"
#include "print.h"
#include "strings.h"

namespace reckon::jinja {
namespace {

using Names = std::initializer_list<const char*>;

const std::string& text_of(const Value& self) {
  return *self.text();
}
bool is_markup(const Value& self) {
  return self.as<const String>()->markup;
}
void refuse_markup(const Value& self, const char* method) {
  if (!is_markup(self)) return;
  throw Failure(std::string("the method '") + method +
                "' of a text that the filter 'safe' gave out is not supported");
}

Value strings(Budget& budget, std::vector<std::string> texts) {
  Values values;
  for (std::string& text : texts) values.push_back(string(std::move(text)));
  return list(budget, std::move(values));
}

template <Side side>
Value method_strip(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given("strip", arguments, {"chars"});
  if (!given.some(0)) return string(std::string(strip(text_of(self), side)), is_markup(self));
  return string(std::string(strip(text_of(self), given.text(0, ""), side)), is_markup(self));
}

template <std::string (*convert)(std::string_view)>
Value method_convert(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given("case conversion", arguments, {});
  return string(convert(text_of(self)), is_markup(self));
}

template <bool from_right>
Value method_split(Budget& budget, const Value& self, const Arguments& arguments) {
  refuse_markup(self, "split");
  const Parameters given("split", arguments, {"sep", "maxsplit"});
  const auto max_splits = static_cast<long>(std::clamp<Integer>(given.number(1, -1), -1, 1 << 30));
  if (!given.some(0)) {
    return strings(budget, from_right ? split_spaces_right(text_of(self), max_splits)
                                      : split_spaces(text_of(self), max_splits));
  }
  const std::string separator = given.text(0, "");
  if (separator.empty()) throw Failure("'split' needs a separator that is not empty");
  return strings(budget, from_right ? split_right(text_of(self), separator, max_splits)
                                    : split(text_of(self), separator, max_splits));
}

Value method_splitlines(Budget& budget, const Value& self, const Arguments& arguments) {
  refuse_markup(self, "splitlines");
  const Parameters given("splitlines", arguments, {"keepends"});
  return strings(budget, split_lines(text_of(self), given.flag(0, false)));
}

template <bool from_right>
Value method_partition(Budget& budget, const Value& self, const Arguments& arguments) {
  refuse_markup(self, "partition");
  const Parameters given("partition", arguments, {"sep"}, 1);
  const std::string separator = given.text(0, "");
  if (separator.empty()) throw Failure("'partition' needs a separator that is not empty");
  const std::string& text = text_of(self);
  const std::size_t found = from_right ? find_last(text, separator) : find_first(text, separator);
  if (found == std::string::npos) {
    return from_right ? tuple(budget, {string(""), string(""), string(text)})
                      : tuple(budget, {string(text), string(""), string("")});
  }
  return tuple(budget, {string(text.substr(0, found)), string(separator),
                        string(text.substr(found + separator.size()))});
}

/// The part of the text between the optional bounds `start` and `end` of a search, and where it starts.
struct Searched {
  std::string_view text;
  std::size_t start = 0;  ///< in code points
  bool possible = true;   ///< false where `start` lies beyond the end, where not even "" is found
};
Searched searched(const std::string& text, const Parameters& given) {
  if (!given.some(1) && !given.some(2)) return {text, 0, true};
  const auto length = static_cast<Integer>(num_code_points(text));
  const auto bound = [&](std::size_t i, Integer otherwise) {
    const Integer value = given.some(i) ? given.number(i, 0) : otherwise;
    return value < 0 ? std::max<Integer>(value + length, 0) : value;
  };
  const Integer start = bound(1, 0);
  const Integer end = std::min(bound(2, length), length);
  if (start > length || start > end) return {"", 0, false};
  const std::size_t first = byte_offset(text, static_cast<std::size_t>(start));
  const std::size_t last = byte_offset(text, static_cast<std::size_t>(end));
  return {std::string_view(text).substr(first, last - first), static_cast<std::size_t>(start), true};
}

template <bool from_right, bool must_exist>
Value method_find(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given("find", arguments, {"sub", "start", "end"}, 1);
  const std::string part = given.text(0, "");
  const Searched in = searched(text_of(self), given);
  const std::size_t found = !in.possible ? std::string::npos
                            : from_right ? find_last(in.text, part)
                                         : find_first(in.text, part);
  if (found != std::string::npos) {
    return integer(static_cast<Integer>(in.start + num_code_points(in.text.substr(0, found))));
  }
  if (must_exist) throw Failure("'index' does not find " + quoted(part));
  return integer(-1);
}

Value method_count(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given("count", arguments, {"sub", "start", "end"}, 1);
  const Searched in = searched(text_of(self), given);
  return integer(in.possible ? static_cast<Integer>(count(in.text, given.text(0, ""))) : 0);
}

template <bool at_end>
Value method_starts(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given(at_end ? "endswith" : "startswith", arguments, {"prefix", "start", "end"}, 1);
  const Searched in = searched(text_of(self), given);
  const auto matches = [&](const std::string& part) {
    return in.possible && (at_end ? in.text.ends_with(part) : in.text.starts_with(part));
  };
  const auto* choices = given.at(0)->as<const Tuple>();
  if (!choices) return boolean(matches(given.text(0, "")));
  for (const Value& choice : choices->values) {
    if (!choice.text()) throw Failure("'startswith' needs a str or a tuple of them");
    if (matches(*choice.text())) return boolean(true);
  }
  return boolean(false);
}

Value method_replace(Budget& budget, const Value& self, const Arguments& arguments) {
  refuse_markup(self, "replace");
  const Parameters given("replace", arguments, {"old", "new", "count"}, 2);
  const std::string& text = text_of(self);
  const std::string part = given.text(0, "");
  const std::string by = given.text(1, "");
  const auto max_count = static_cast<long>(std::clamp<Integer>(given.number(2, -1), -1, 1 << 30));
  budget.spend_text(text.size() + by.size() * count(text, part));
  return string(replace(text, part, by, max_count));
}

template <bool at_end>
Value method_remove(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given(at_end ? "removesuffix" : "removeprefix", arguments, {"prefix"}, 1);
  const std::string part = given.text(0, "");
  std::string_view text = text_of(self);
  if (at_end && text.ends_with(part)) text.remove_suffix(part.size());
  if (!at_end && text.starts_with(part)) text.remove_prefix(part.size());
  return string(std::string(text), is_markup(self));
}

Value method_join(Budget& budget, const Value& self, const Arguments& arguments) {
  refuse_markup(self, "join");
  const Parameters given("join", arguments, {"iterable"}, 1);
  std::string joined;
  bool first = true;
  for (const Value& item : collect(budget, *given.at(0))) {
    if (!item.text()) {
      throw Failure("'join' needs values of type 'str', not '" + type_name(item) + "'");
    }
    if (!first) joined += text_of(self);
    first = false;
    joined += *item.text();
    budget.spend_text(item.text()->size() + text_of(self).size());
    budget.check_text(joined.size());
  }
  return string(std::move(joined));
}

template <Side side>
Value method_justify(Budget& budget, const Value& self, const Arguments& arguments) {
  const Parameters given("justify", arguments, {"width", "fillchar"}, 1);
  const std::string fill = given.text(1, " ");
  if (num_code_points(fill) != 1) throw Failure("the fill character must be one character");
  const auto length = static_cast<Integer>(num_code_points(text_of(self)));
  const Integer missing = std::clamp<Integer>(given.number(0, 0) - length, 0, Integer{1} << 40);
  budget.spend_text(static_cast<std::size_t>(missing) * fill.size());
  // Python's str.center puts the odd blank to the left where the width is odd.
  const Integer width = length + missing;
  const Integer left =
      side == Side::left ? 0 : (side == Side::right ? missing : missing / 2 + (missing & width & 1));
  std::string text;
  for (Integer i = 0; i < left; ++i) text += fill;
  text += text_of(self);
  for (Integer i = left; i < missing; ++i) text += fill;
  return string(std::move(text), is_markup(self));
}

Value method_isspace(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given("isspace", arguments, {});
  return boolean(!text_of(self).empty() && strip(text_of(self)).empty());
}

/// isupper and islower: all cased characters are of that case, and there is one.
template <char32_t (*convert)(char32_t)>
Value method_has_case(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given("islower", arguments, {});
  bool found = false;
  for (const char32_t c : code_points(text_of(self))) {
    if (!is_cased(c)) continue;
    if (convert(c) != c) return boolean(false);
    found = true;
  }
  return boolean(found);
}

/// isdigit, isalpha and isalnum, for ASCII alone.
template <bool digits, bool letters>
Value method_is_class(Budget&, const Value& self, const Arguments& arguments) {
  const Parameters given("isdigit", arguments, {});
  for (const char c : text_of(self)) {
    if ((c & 0x80) != 0) throw Failure("isdigit, isalpha and isalnum of text beyond ASCII are not supported");
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!(digits && is_digit) && !(letters && is_letter)) return boolean(false);
  }
  return boolean(!text_of(self).empty());
}

}  // namespace

Method find_string_method(std::string_view name) {
  static const std::map<std::string_view, Method> kMethods = {
      {"capitalize", method_convert<capitalize>},
      {"center", method_justify<Side::both>},
      {"count", method_count},
      {"endswith", method_starts<true>},
      {"find", method_find<false, false>},
      {"index", method_find<false, true>},
      {"isalnum", method_is_class<true, true>},
      {"isalpha", method_is_class<false, true>},
      {"isdigit", method_is_class<true, false>},
      {"islower", method_has_case<lower_of>},
      {"isspace", method_isspace},
      {"isupper", method_has_case<upper_of>},
      {"join", method_join},
      {"ljust", method_justify<Side::left>},
      {"lower", method_convert<lower>},
      {"lstrip", method_strip<Side::left>},
      {"partition", method_partition<false>},
      {"removeprefix", method_remove<false>},
      {"removesuffix", method_remove<true>},
      {"replace", method_replace},
      {"rfind", method_find<true, false>},
      {"rindex", method_find<true, true>},
      {"rjust", method_justify<Side::right>},
      {"rpartition", method_partition<true>},
      {"rsplit", method_split<true>},
      {"rstrip", method_strip<Side::right>},
      {"split", method_split<false>},
      {"splitlines", method_splitlines},
      {"startswith", method_starts<false>},
      {"strip", method_strip<Side::both>},
      {"title", method_convert<title>},
      {"upper", method_convert<upper>},
  };
  const auto found = kMethods.find(name);
  return found == kMethods.end() ? nullptr : found->second;
}

}  // namespace reckon::jinja
