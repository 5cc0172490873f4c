#include <algorithm>
#include <map>

#include "arguments.h"
#include "filters.h"
#include "format.h"
#include "letters.h"
#include "print.h"
#include "strings.h"

namespace reckon::jinja {
namespace {

/// The input as a string that stays what it is where it is one.
Value soft_text(Budget& budget, const Value& input) {
  return input.text() ? input : string(to_text(budget, input));
}

template <std::string (*convert)(std::string_view), bool keeps_markup = true>
Value filter_convert(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("case conversion", arguments, {});
  const Value text = soft_text(budget, input);
  budget.spend_text(text.text()->size());
  return string(convert(*text.text()), keeps_markup && text.as<const String>()->markup);
}

/// Unlike str.title, words start only after white space and -({[<.
std::string words_with_capitals(std::string_view text) {
  const auto starts_word = [](char32_t c) {
    return is_space(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
  };
  std::string result;
  std::u32string word;
  const auto flush = [&] {
    if (word.empty()) return;
    result += upper(to_utf8(word.substr(0, 1)));
    result += lower(to_utf8(word.substr(1)));
    word.clear();
  };
  for (const char32_t c : code_points(text)) {
    if (!starts_word(c)) {
      word.push_back(c);
      continue;
    }
    flush();
    append_utf8(result, c);
  }
  flush();
  return result;
}

Value filter_trim(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("trim", arguments, {"chars"});
  const Value text = soft_text(budget, input);
  budget.spend_text(text.text()->size());
  const std::string_view stripped =
      given.some(0) ? strip(*text.text(), given.text(0, ""), Side::both) : strip(*text.text());
  return string(std::string(stripped), text.as<const String>()->markup);
}

Value filter_string(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("string", arguments, {});
  return soft_text(budget, input);
}

Value filter_safe(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("safe", arguments, {});
  return string(to_text(budget, input), true);
}

Value filter_replace(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("replace", arguments, {"old", "new", "count"}, 2);
  const std::string text = to_text(budget, input);
  const std::string part = to_text(budget, *given.at(0));
  const std::string by = to_text(budget, *given.at(1));
  const Integer max_count = given.some(2) ? given.number(2, -1) : -1;
  budget.spend_text(text.size() + by.size() * count(text, part));
  return string(replace(text, part, by, static_cast<long>(std::clamp<Integer>(max_count, -1, 1 << 30))));
}

Value filter_indent(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("indent", arguments, {"width", "first", "blank"});
  if (!input.text()) throw Failure("'indent' needs a str, not a value of type '" + type_name(input) + "'");
  std::string indentation;
  if (given.at(0) && given.at(0)->text()) {
    indentation = *given.at(0)->text();
  } else {
    const Integer width = std::clamp<Integer>(given.number(0, 4), 0, Integer{1} << 40);
    budget.spend_text(static_cast<std::size_t>(width));
    indentation.assign(static_cast<std::size_t>(width), ' ');
  }
  const std::vector<std::string> lines = split_lines(*input.text() + "\n", false);
  budget.spend_text(input.text()->size() + lines.size() * (indentation.size() + 1));
  std::string result = given.flag(1, false) ? indentation : "";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0) result += "\n";
    if (i > 0 && (given.flag(2, false) || !lines[i].empty())) result += indentation;
    result += lines[i];
  }
  return string(std::move(result), input.as<const String>()->markup);
}

Value filter_wordcount(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("wordcount", arguments, {});
  Integer words = 0;
  bool in_word = false;
  for (const char c : to_text(budget, input)) {
    if ((c & 0x80) != 0) throw Failure("'wordcount' of text beyond ASCII is not supported");
    const bool is_word = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
    if (is_word && !in_word) ++words;
    in_word = is_word;
  }
  return integer(words);
}

Value filter_format(Budget& budget, const Value& input, const Arguments& arguments) {
  const Value text = soft_text(budget, input);
  if (arguments.named.empty()) {
    return format_printf(budget, *text.as<const String>(), tuple(budget, arguments.positional));
  }
  if (!arguments.positional.empty()) throw Failure("'format' takes values or named values, not both");
  Dict values;
  for (const auto& [name, value] : arguments.named) values.insert(budget, string(name), value);
  return format_printf(budget, *text.as<const String>(), dict(budget, std::move(values)));
}

/// What `indent` and `separators` of tojson mean.
JsonStyle json_style(const Parameters& given) {
  JsonStyle style;
  style.ascii = given.flag(0, false);
  if (given.some(1)) {
    style.indented = true;
    style.item_separator = ",";
    if (given.at(1)->text()) {
      style.indent = *given.at(1)->text();
    } else {
      style.indent.assign(static_cast<std::size_t>(std::clamp<Integer>(given.number(1, 0), 0, 1 << 20)), ' ');
    }
  }
  if (given.some(2)) {
    const Values* separators = given.at(2)->items();
    if (!separators || separators->size() != 2 || !(*separators)[0].text() || !(*separators)[1].text()) {
      throw Failure("'tojson' needs two strings as 'separators'");
    }
    style.item_separator = *(*separators)[0].text();
    style.key_separator = *(*separators)[1].text();
  }
  style.sort_keys = given.flag(3, false);
  return style;
}

Value filter_tojson(Budget& budget, const Value& input, const Arguments& arguments) {
  const Parameters given("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"});
  return string(to_json(budget, input, json_style(given)));
}

}  // namespace

Filter find_text_filter(std::string_view name) {
  static const std::map<std::string_view, Filter> kFilters = {
      {"capitalize", filter_convert<capitalize>},
      {"format", filter_format},
      {"indent", filter_indent},
      {"lower", filter_convert<lower>},
      {"replace", filter_replace},
      {"safe", filter_safe},
      {"string", filter_string},
      {"title", filter_convert<words_with_capitals, false>},
      {"tojson", filter_tojson},
      {"trim", filter_trim},
      {"upper", filter_convert<upper>},
      {"wordcount", filter_wordcount},
  };
  const auto found = kFilters.find(name);
  return found == kFilters.end() ? nullptr : found->second;
}

}  // namespace reckon::jinja
