#pragma once

// Random template expressions over the variables of chat_template_snippets.h, most of them of fitting types.

#include <string>
#include <vector>

#include "reckon/base/philox.h"

namespace reckon::testing {

class ExpressionGenerator {
 public:
  explicit ExpressionGenerator(RandomStream random) : random_(random) {}

  std::string expression(int depth) {
    if (depth == 0) return leaf();
    switch (random_.below(12)) {
      case 0:
        return "(" + expression(depth - 1) + " " + pick(kOperators) + " " + expression(depth - 1) + ")";
      case 1:
        return expression(depth - 1) + pick(kFilters);
      case 2:
        return "(" + text(depth - 1) + ")" + pick(kMethods);
      case 3:
        return "(" + expression(depth - 1) + pick(kTests) + ")";
      case 4:
        return "(" + expression(depth - 1) + ")[" + pick(kIndices) + "]";
      case 5:
        return "[" + expression(depth - 1) + ", " + expression(depth - 1) + "]";
      case 6:
        return "{" + text(0) + ": " + expression(depth - 1) + ", 'k': " + expression(depth - 1) + "}";
      case 7:
        return "(" + expression(depth - 1) + " if " + expression(depth - 1) + " else " +
               expression(depth - 1) + ")";
      case 8:
        return "(" + expression(depth - 1) + "," +
               (random_.below(2) == 0 ? "" : " " + expression(depth - 1)) + ")";
      case 9:
        return (random_.below(2) == 0 ? "not " : "-") + expression(depth - 1);
      case 10:
        return text(depth - 1) + pick(kTextFilters);
      default:
        return sequence() + pick(kFilters) + pick(kFilters);
    }
  }

 private:
  using Choices = std::vector<std::string>;
  static inline const Choices kLeaves = {
      "name",  "empty",   "blank",  "n",    "zero",     "neg",   "f",    "yes",    "no", "nothing", "uni",
      "list",  "mixed",   "nested", "strs", "dict",     "users", "deep", "floats", "1",  "2.5",     "'a'",
      "'b c'", "missing", "none",   "true", "range(4)", "''",    "[]",   "{}",     "-1", "quotes"};
  static inline const Choices kTexts = {"name",   "uni",  "blank", "words", "lines",
                                        "quotes", "html", "emoji", "'a,b'", "''"};
  static inline const Choices kSequences = {
      "list",  "strs",   "users",  "nested",       "mixed",         "dict",         "range(5)",
      "'cab'", "floats", "(3, 1)", "dict.items()", "dict.values()", "words.split()"};
  static inline const Choices kOperators = {"+",  "-", "*",  "/",  "//",     "%",   "~",  "==",  "!=", "<",
                                            "<=", ">", ">=", "in", "not in", "and", "or", "and", "or", "~"};
  static inline const Choices kFilters = {"|length",
                                          "|list",
                                          "|first",
                                          "|last",
                                          "|join(',')",
                                          "|sort",
                                          "|reverse",
                                          "|unique",
                                          "|string",
                                          "|int",
                                          "|float",
                                          "|tojson",
                                          "|default('d')",
                                          "|default('d', true)",
                                          "|map('string')",
                                          "|map('upper')",
                                          "|select",
                                          "|reject('none')",
                                          "|select('string')",
                                          "|map(attribute='name')",
                                          "|selectattr('age')",
                                          "|items",
                                          "|dictsort",
                                          "|sum",
                                          "|max",
                                          "|min",
                                          "|abs",
                                          "|round(1)",
                                          "|round",
                                          "|join",
                                          "|list|tojson",
                                          "|sort(reverse=true)",
                                          "|map('length')|list",
                                          "|upper",
                                          "|rejectattr('tags')",
                                          "|trim",
                                          "|replace('a', 'b')",
                                          "|tojson(indent=1)",
                                          "|select('number')|list",
                                          "|title"};
  static inline const Choices kTextFilters = {
      "|upper",     "|lower",     "|title", "|capitalize", "|trim", "|trim('ax')", "|replace('a', '-')",
      "|indent(2)", "|reverse",   "|list",  "|length",     "|safe", "|tojson",     "|int",
      "|float",     "|format(1)", "|first", "|sort"};
  static inline const Choices kMethods = {".upper()",
                                          ".lower()",
                                          ".title()",
                                          ".capitalize()",
                                          ".strip()",
                                          ".lstrip()",
                                          ".rstrip('dx')",
                                          ".split()",
                                          ".split(' ')",
                                          ".split('a', 1)",
                                          ".rsplit(none, 1)",
                                          ".splitlines()",
                                          ".replace('a', 'xy')",
                                          ".find('o')",
                                          ".startswith('W')",
                                          ".endswith(('d', 'x'))",
                                          ".count('o')",
                                          ".partition(' ')",
                                          ".center(9)",
                                          ".join(strs)",
                                          ".x",
                                          ".isupper()",
                                          ".isspace()",
                                          ".rfind('u', 1)",
                                          ".removeprefix('W')"};
  static inline const Choices kTests = {
      " is defined",  " is none",   " is string",  " is mapping",  " is iterable",      " is odd",
      " is sequence", " is number", " is true",    " is not none", " is in list",       " is undefined",
      " is integer",  " is float",  " is boolean", " is eq 1",     " is divisibleby 2", " is gt 1",
      " is upper",    " is lower",  " is callable"};
  static inline const Choices kIndices = {"0", "-1", "1:",  "::-1", ":2",  "'a'",  "'name'",
                                          "1", "n",  "-2:", "::2",  "'b'", "none", "5"};

  std::string pick(const Choices& choices) {
    return choices[random_.below(static_cast<std::uint32_t>(choices.size()))];
  }
  std::string leaf() { return pick(kLeaves); }
  std::string sequence() { return pick(kSequences); }
  std::string text(int depth) {
    if (depth <= 0 || random_.below(3) == 0) return pick(kTexts);
    return text(depth - 1) + pick(kTextFilters);
  }

  RandomStream random_;
};

}  // namespace reckon::testing
