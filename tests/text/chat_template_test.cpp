#include "reckon/text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reckon/base/error.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Json = nlohmann::ordered_json;

std::string render(const std::string& source, const Json& variables = Json::object(),
                   const TemplateLimits& limits = {}) {
  return ChatTemplate::parse(source, "t.jinja").render(variables, limits);
}

/// The message of the error that parsing or rendering throws.
std::string error_of(const std::string& source, const Json& variables = Json::object(),
                     const TemplateLimits& limits = {}) {
  try {
    return "no error but: " + render(source, variables, limits);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
}

std::string syntax_error_of(const std::string& source) {
  try {
    (void)ChatTemplate::parse(source, "t.jinja");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "no error";
}

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

TEST(ChatTemplate, RendersAConversation) {
  const std::string source =
      "{{- bos_token }}\n"
      "{%- for message in messages %}\n"
      "    {{- '<|' + message.role + '|>' + message['content'] | trim + eos_token }}\n"
      "{%- endfor %}\n"
      "{%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}\n";
  const Json variables = {
      {"bos_token", "<s>"},
      {"eos_token", "</s>"},
      {"messages",
       {{{"role", "user"}, {"content", "  2 + 2? "}}, {{"role", "assistant"}, {"content", "4\n"}}}},
      {"add_generation_prompt", true}};
  const ChatTemplate chat = ChatTemplate::parse(source, "t.jinja");
  EXPECT_EQ(chat.render(variables), "<s><|user|>2 + 2?</s><|assistant|>4</s><|assistant|>");
  EXPECT_EQ(chat.source(), source);
  const ChatTemplate copy = chat;  // shares the program
  EXPECT_EQ(copy.render(variables), chat.render(variables));
  EXPECT_EQ(&copy.source(), &chat.source());
}

TEST(ChatTemplate, TakesBlanksAndOneNewlineAroundStatements) {
  EXPECT_EQ(render("a\n  {% if true %}\n  b\n  {% endif %}\nc\n"), "a\n  b\nc");
  EXPECT_EQ(render("a\n  {%+ if true %}\n  b{% endif +%}\nc"), "a\n    b\nc");
  EXPECT_EQ(render("a \n {{- 'b' -}} \n c"), "abc");
  EXPECT_EQ(render("a {# comment #} b"), "a  b");
}

TEST(ChatTemplate, KeepsKeyOrderAndCharactersInJson) {
  const Json variables = {{"x", {{"b", {1, 2.0, true, nullptr}}, {"a", "\xC3\xA9\n\""}}}};
  EXPECT_EQ(render("{{ x | tojson }}", variables),
            "{\"b\": [1, 2.0, true, null], \"a\": \"\xC3\xA9\\n\\\"\"}");
  EXPECT_EQ(render("{{ x.b | tojson(indent=2) }}", variables), "[\n  1,\n  2.0,\n  true,\n  null\n]");
}

TEST(ChatTemplate, PrintsValuesAsPythonDoes) {
  EXPECT_EQ(render("{{ [true, none, 1.0, 1e16, 0.00001, \"it's\", 'a\"', (1,), {'k': 'v'}] }}"),
            "[True, None, 1.0, 1e+16, 1e-05, \"it's\", 'a\"', (1,), {'k': 'v'}]");
  EXPECT_EQ(render("[{{ missing }}]"), "[]");
}

TEST(ChatTemplate, CountsCodePoints) {
  const Json variables = {{"x", "a\xF0\x9F\x98\x80\xC3\xA9"}};
  EXPECT_EQ(render("{{ x | length }} {{ x[1] }} {{ x[::-1] }} {{ x[1:] }} {{ x | upper }}", variables),
            "3 \xF0\x9F\x98\x80 \xC3\xA9\xF0\x9F\x98\x80"
            "a \xF0\x9F\x98\x80\xC3\xA9 A\xF0\x9F\x98\x80\xC3\x89");
}

TEST(ChatTemplate, KeepsAssignmentsInsideALoopButThoseOfANamespace) {
  EXPECT_EQ(render("{% set x = 0 %}{% set ns = namespace(x=0) %}{% for i in [1, 2] %}{% set x = i %}"
                   "{% set ns.x = ns.x + i %}{% endfor %}{{ x }} {{ ns.x }}"),
            "0 3");
}

TEST(ChatTemplate, NamesTheLineOfASyntaxError) {
  EXPECT_EQ(syntax_error_of("a\n{{ 1 + }}"), "t.jinja:2: expected an expression, found '}}'");
  EXPECT_EQ(syntax_error_of("a\nb {% if x %}\nc"),
            "t.jinja:3: the template ends inside 'if' of line 2 (need {% endif %})");
  EXPECT_EQ(syntax_error_of("{{ 'a }}"), "t.jinja:1: the string is not closed");
  EXPECT_EQ(syntax_error_of("\n\n{# a"), "t.jinja:3: the comment is not closed (need #})");
  EXPECT_EQ(syntax_error_of("{% raw %}"), "t.jinja:1: the raw block is not closed (need {% endraw %})");
  EXPECT_EQ(syntax_error_of("{{ x"), "t.jinja:1: expected '}}', found the end of the template");
  EXPECT_EQ(syntax_error_of("{{ (1] }}"), "t.jinja:1: unexpected ']', expected ')'");
  EXPECT_EQ(syntax_error_of("{{ a \xC3\xA9 }}"), "t.jinja:1: unexpected character '\xC3\xA9' (U+00E9)");
  EXPECT_EQ(syntax_error_of("a\n\xFF"), "t.jinja:2: byte 2 is not UTF-8 (need UTF-8 text)");
  EXPECT_EQ(syntax_error_of("{% set true = 1 %}"), "t.jinja:1: the constant 'true' cannot be assigned to");
  EXPECT_EQ(syntax_error_of("{% break %}"), "t.jinja:1: 'break' stands outside a loop");
  EXPECT_EQ(syntax_error_of("{% endif %}"), "t.jinja:1: 'endif' closes nothing that is open here");
  EXPECT_EQ(syntax_error_of("{{ x is odd is even }}"),
            "t.jinja:1: tests with 'is' cannot be chained (need 'and')");
}

TEST(ChatTemplate, RefusesUnknownConstructsByNameWhenParsing) {
  EXPECT_EQ(syntax_error_of("\n{% if false %}{{ x | zap }}{% endif %}"),
            "t.jinja:2: there is no filter 'zap', or it is not supported");
  EXPECT_EQ(syntax_error_of("{{ x is zap }}"), "t.jinja:1: there is no test 'zap', or it is not supported");
  EXPECT_EQ(syntax_error_of("{% include 'x' %}"),
            "t.jinja:1: there is no statement 'include', or it is not supported");
  EXPECT_EQ(syntax_error_of("{% call m() %}{% endcall %}"),
            "t.jinja:1: there is no statement 'call', or it is not supported");
  EXPECT_EQ(syntax_error_of("{{ x.format(1) }}"), "t.jinja:1: the method 'format' is not supported");
  EXPECT_EQ(syntax_error_of("{% for x in y recursive %}{% endfor %}"),
            "t.jinja:1: 'recursive' loops are not supported");
  EXPECT_EQ(syntax_error_of("{% macro m() %}{{ varargs }}{% endmacro %}"),
            "t.jinja:1: the variable 'varargs' of macros is not supported");
  EXPECT_EQ(error_of("{{ cycler(1) }}"), "t.jinja:1: the function 'cycler' is not supported");
}

TEST(ChatTemplate, NamesWhatIsUndefined) {
  EXPECT_EQ(error_of("a\n{{ x.y }}"), "t.jinja:2: 'x' is undefined");
  EXPECT_EQ(error_of("{{ x.y.z }}", {{"x", Json::object()}}),
            "t.jinja:1: 'dict object' has no attribute 'y'");
  EXPECT_EQ(error_of("{{ 'a' + x }}"), "t.jinja:1: 'x' is undefined");
  EXPECT_EQ(error_of("{{ x[3].z }}", {{"x", {1}}}), "t.jinja:1: list object has no element 3");
  EXPECT_EQ(error_of("{{ nothing() }}"), "t.jinja:1: 'nothing' is undefined");
  EXPECT_EQ(error_of("{{ none.strip() }}"), "t.jinja:1: 'None' has no attribute 'strip'");
}

TEST(ChatTemplate, NamesTheTypesOfAFailedOperation) {
  EXPECT_EQ(error_of("{{ 'a' + 1 }}"), "t.jinja:1: '+' does not take values of type 'str' and 'int'");
  EXPECT_EQ(error_of("{{ 1 / 0 }}"), "t.jinja:1: division by zero");
  EXPECT_EQ(error_of("{{ 5 | length }}"), "t.jinja:1: a value of type 'int' has no length");
  EXPECT_EQ(error_of("{% for x in 5 %}{% endfor %}"), "t.jinja:1: a value of type 'int' cannot be iterated");
  EXPECT_EQ(error_of("{{ 2 ** 200 }}"), "t.jinja:1: an integer has more than 128 bits");
  EXPECT_EQ(error_of("{% set x = 1 %}{% set x.y = 1 %}"),
            "t.jinja:1: 'x' is no namespace (need set x = namespace() before its attributes are set)");
  EXPECT_EQ(error_of("{{ 'a'.split('') }}"), "t.jinja:1: 'split' needs a separator that is not empty");
  EXPECT_EQ(error_of("{{ 'a' | trim(1) }}"),
            "t.jinja:1: 'trim' needs a str as 'chars', not a value of type 'int'");
}

TEST(ChatTemplate, PassesOnTheMessageOfRaiseException) {
  EXPECT_EQ(
      error_of("\n{% if not x %}\n{{ raise_exception('Roles must alternate, not ' + 'user') }}{% endif %}"),
      "t.jinja: Roles must alternate, not user (raised by the template, line 3)");
}

TEST(ChatTemplate, NoMessageIsACommandToTheTerminal) {
  EXPECT_EQ(error_of("{{ raise_exception('\\x1b[2J\\n' ~ x) }}", {{"x", "\xC2\x9B"}}),
            R"(t.jinja: \u001B[2J\u000A\u009B (raised by the template, line 1))");
  EXPECT_EQ(error_of("{{ raise_exception('x' * 100000) }}"),
            "t.jinja: " + std::string(1000, 'x') + "... (raised by the template, line 1)");
}

TEST(ChatTemplate, RefusesPythonInternals) {
  EXPECT_EQ(error_of("{{ ''.__class__ }}"),
            "t.jinja:1: access to attribute '__class__' of 'str' object is unsafe");
  EXPECT_EQ(error_of("{{ x['__class__'] }}", {{"x", {1}}}),
            "t.jinja:1: access to attribute '__class__' of 'list' object is unsafe");
  EXPECT_EQ(error_of("{{ [] | map(attribute='x') | list }}{{ [1] | map(attribute='__class__') | list }}"),
            "t.jinja:1: access to attribute '__class__' of 'int' object is unsafe");
  EXPECT_EQ(error_of("{{ x.append(1) }}", {{"x", {1}}}),
            "t.jinja:1: access to attribute 'append' of 'list' object is unsafe");
  EXPECT_EQ(error_of("{{ raise_exception.__globals__ }}"),
            "t.jinja:1: access to attribute '__globals__' of 'function' object is unsafe");
  EXPECT_EQ(error_of("{% set ns = namespace() %}{% set ns._x = 1 %}"),
            "t.jinja:1: a namespace cannot have the attribute '_x' (need a name without '_' before it)");
  EXPECT_EQ(render("{{ x._private }}", {{"x", {{"_private", 1}}}}), "1");  // a key is data
}

TEST(ChatTemplate, StopsAtTheLimitOfSteps) {
  const Json none = Json::object();
  const TemplateLimits limits{.steps = 200'000};
  const std::string loops =
      "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
  EXPECT_THAT(error_of(loops, none, limits),
              StartsWith("t.jinja:1: the template takes more than 200000 steps"));
  EXPECT_THAT(error_of("{% for a in range(100) %}{% endfor %}", none, {.steps = 50}),
              StartsWith("t.jinja:1: the template takes more than 50 steps"));
  EXPECT_EQ(error_of("{{ range(100001) }}"),
            "t.jinja:1: a range of 100001 numbers is too long (need at most 100000)");
  // Lists that double: refused before they fill the memory.
  EXPECT_THAT(
      error_of(
          "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
          none, limits),
      HasSubstr("more than 200000 steps"));
  EXPECT_THAT(error_of("{{ [1] * 999999999999 }}", none, limits), HasSubstr("more than 200000 steps"));
  // A value that is small in memory and endless when written, compared or sorted.
  const std::string tree =
      "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(90) %}"
      "{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}";
  for (const char* use : {"{{ ns.x }}", "{{ ns.x | tojson }}", "{{ ns.x == ns.y }}", "{{ ns.x < ns.y }}",
                          "{{ [ns.x, ns.y] | sort }}", "{{ ns.x in [ns.y] }}", "{{ [ns.x].index(ns.y) }}"}) {
    EXPECT_THAT(error_of(tree + use, none, limits), HasSubstr("more than 200000 steps")) << use;
  }
}

TEST(ChatTemplate, SearchesInLinearTime) {
  // Where each position of the text matches half of what is searched; a quadratic search runs into the
  // timeout.
  const std::string set = "{% set text = 'a' * 2000000 %}{% set half = 'a' * 1000000 %}";
  EXPECT_EQ(
      render(set + "{{ text.find(half ~ 'b') }} {{ text.rfind('b' ~ half) }} {{ (half ~ 'b') in text }} "
                   "{{ text.split(half ~ 'b') | length }} {{ text.rsplit('b' ~ half) | length }} "
                   "{{ text.count(half ~ 'b') }} {{ text.replace(half ~ 'b', '') | length }} "
                   "{{ text.strip(half) | length }}"),
      "-1 -1 False 1 1 0 2000000 0");
}

TEST(ChatTemplate, StopsAtTheLimitOfOutput) {
  const TemplateLimits limits{.output_bytes = 1000};
  const std::string too_long = "makes a text of more than 1000 bytes";
  const Json none = Json::object();
  EXPECT_THAT(error_of("{% for i in range(2000) %}x{% endfor %}", none, limits), HasSubstr(too_long));
  EXPECT_THAT(error_of("{{ 'x' * 1001 }}", none, limits), HasSubstr(too_long));
  EXPECT_EQ(render("{{ 'x' * 1000 }}", none, limits).size(), 1000u);
  EXPECT_THAT(error_of("{{ 'x' * 999999999999999999999 }}", none, limits), HasSubstr(too_long));
  EXPECT_THAT(error_of("{{ 'xxxxxxxxxx' | replace('x', 'y' * 200) }}", none, limits), HasSubstr(too_long));
  EXPECT_THAT(error_of("{{ range(200) | join('123456789') }}", none, limits), HasSubstr(too_long));
  EXPECT_THAT(error_of("{{ 'x' | indent(2000, true) }}", none, limits), HasSubstr(too_long));
  EXPECT_THAT(error_of("{{ '%2000d' % 1 }}", none, limits), HasSubstr(too_long));
  EXPECT_THAT(error_of("{{ 'x'.center(2000) }}", none, limits), HasSubstr(too_long));
  EXPECT_THAT(error_of("{% set x %}{% for i in range(2000) %}x{% endfor %}{% endset %}", none, limits),
              HasSubstr(too_long));
  EXPECT_THAT(
      error_of(
          "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
          none, limits),
      HasSubstr(too_long));
  EXPECT_THAT(error_of("{{ range(900) | list }}", none, limits), HasSubstr(too_long));
  EXPECT_THAT(error_of("{{ range(900) | list | tojson }}", none, limits), HasSubstr(too_long));
}

TEST(ChatTemplate, StopsAtTheLimitOfDepth) {
  EXPECT_THAT(error_of("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"),
              HasSubstr("nested deeper than 100 levels"));
  EXPECT_THAT(error_of("{% macro m(n) %}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(5) }}",
                       Json::object(), {.depth = 5}),
              HasSubstr("nested deeper than 5 levels"));
  EXPECT_EQ(render("{% macro m(n) %}{{ n }}{% if n %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(4) }}",
                   Json::object(), {.depth = 5}),
            "43210");
  EXPECT_THAT(
      error_of(
          "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}"),
      HasSubstr("nested deeper than 100 levels"));
  EXPECT_THAT(error_of("{% set ns = namespace(x=[]) %}{% for i in range(100000) %}"
                       "{% set ns.x = ns.x | map('upper') %}{% endfor %}"),
              HasSubstr("nested deeper than 100 levels"));
  // Namespaces that hold each other are no chain that must be taken apart link by link.
  EXPECT_EQ(
      render("{% set ns = namespace(x=0) %}{% for i in range(20000) %}{% set ns.x = namespace(x=ns.x) %}"
             "{% endfor %}{% set ns.me = ns %}done"),
      "done");
  EXPECT_THAT(error_of("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}"), HasSubstr("nested"));
  Json deep = 1;
  for (int i = 0; i < 101; ++i) deep = Json::array({deep});
  EXPECT_THAT(error_of("x", {{"deep", deep}}), HasSubstr("nested deeper than 100 levels"));
}

TEST(ChatTemplate, RefusesDeepNestingWhenParsing) {
  const std::string nested = "nested deeper than 150 levels";
  const int many = 5000;
  EXPECT_THAT(syntax_error_of("{{ " + repeated("(", many) + "1" + repeated(")", many) + " }}"),
              HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{{ " + repeated("[", many) + repeated("]", many) + " }}"), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{{ " + repeated("{'a': ", many)), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{{ " + repeated("- ", many) + "1 }}"), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{{ " + repeated("not ", many) + "1 }}"), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{{ x" + repeated(".a", many) + " }}"), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{{ x" + repeated("|upper", many) + " }}"), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{{ x" + repeated("()", many) + " }}"), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{{ 1" + repeated(" if 1 else 1", many) + " }}"), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{{ 1" + repeated(" if 1", many) + " }}"), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of(repeated("{% if 1 %}", many)), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of(repeated("{% set x %}", many)), HasSubstr(nested));
  EXPECT_THAT(syntax_error_of("{% for " + repeated("(", many) + "a"), HasSubstr(nested));
  // Chains of operators are no nesting.
  EXPECT_EQ(render("{{ 1" + repeated(" + 1", 5000) + " }}"), "5001");
  EXPECT_EQ(render("{{ 'a'" + repeated(" ~ 'a'", 5000) + " }}").size(), 5001u);
  EXPECT_EQ(render("{{ true" + repeated(" and true", 5000) + " }}"), "True");
  EXPECT_EQ(render("{% if 0 %}" + repeated("{% elif 0 %}", 5000) + "{% else %}x{% endif %}"), "x");
}

TEST(ChatTemplate, StopsRecursionBeforeTheStackEnds) {
  // Each macro call goes through a hundred nested brackets.
  const std::string deep = repeated("[", 100) + "m()" + repeated("]", 100);
  EXPECT_THAT(
      error_of("{% macro m() %}{{ " + deep + " }}{% endmacro %}{{ m() }}", Json::object(), {.depth = 100000}),
      HasSubstr("too deeply for the stack"));
  const std::string filters =
      "{% macro m() %}{% filter upper %}{% if true %}{{ m() }}{% endif %}{% endfilter %}{% endmacro %}{{ m() "
      "}}";
  EXPECT_THAT(error_of(filters, Json::object(), {.depth = 100000}), HasSubstr("too deeply for the stack"));
}

TEST(ChatTemplate, RefusesVariablesThatAreNoObjectOfTexts) {
  EXPECT_EQ(error_of("x", Json::array()), "t.jinja: the variables are a JSON array (need an object)");
  EXPECT_EQ(error_of("x", {{"a", "b\xFF"}}), "t.jinja: a variable holds text that is not UTF-8 at byte 1");
}

TEST(ChatTemplate, FormatsTheTimeOfNow) {
  const std::string year = render("{{ strftime_now('%Y') }}");
  ASSERT_EQ(year.size(), 4u);
  EXPECT_GE(std::stoi(year), 2024);
  EXPECT_EQ(render("{{ strftime_now('%f') | length }}{{ strftime_now('a%%b%z') }}"), "6a%b");
}

}  // namespace
}  // namespace reckon
