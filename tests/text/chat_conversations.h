#pragma once

// Random conversations for the tests of chat templates: every shape that templates meet, right and wrong.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reckon/base/philox.h"

namespace reckon::testing {

class ConversationGenerator {
 public:
  using Json = nlohmann::ordered_json;
  explicit ConversationGenerator(RandomStream random) : random_(random) {}

  /// What is given to a template: messages, tools, switches.
  Json variables() {
    Json variables = Json::object();
    variables["messages"] = one_in(5) ? disorderly() : orderly();
    if (one_in(3)) variables["tools"] = tools();
    if (one_in(20)) variables["tools"] = one_in(2) ? Json() : Json::array();
    if (!one_in(4)) variables["add_generation_prompt"] = one_in(2);
    if (!one_in(3)) variables["enable_thinking"] = one_in(2);
    if (!one_in(5)) variables["bos_token"] = "<|begin|>";
    if (!one_in(5)) variables["eos_token"] = "<|end|>";
    if (one_in(3)) variables["date_string"] = "05 Jun 2026";
    if (one_in(6)) variables["builtin_tools"] = builtin_tools();
    if (one_in(10)) variables["custom_tools"] = tools();
    if (one_in(6)) variables["tools_in_user_message"] = one_in(2);
    return variables;
  }

  std::string text() {
    static const std::vector<std::string> kPieces = {"",
                                                     "Hello",
                                                     " ",
                                                     "\n",
                                                     "\n\n",
                                                     "  \t",
                                                     "a b c",
                                                     "2 + 2 = ",
                                                     "\xC3\xA9t\xC3\xA9",
                                                     "\xE4\xB8\xAD\xE6\x96\x87",
                                                     "\xF0\x9F\x98\x80",
                                                     "e\xCC\x81",
                                                     "\xC2\xA0",
                                                     "\xE2\x80\xA8",
                                                     "\"quoted\"",
                                                     "it's",
                                                     "back\\slash",
                                                     "<think>",
                                                     "</think>",
                                                     "<think>\nso\n</think>\n\n",
                                                     "<think>",
                                                     "{{ x }}",
                                                     "{% if %}",
                                                     "<b>&amp;</b>",
                                                     "\x01\x7F",
                                                     "<|im_end|>",
                                                     "\r\n",
                                                     "<tool_response>",
                                                     "</tool_response>",
                                                     "{\"a\": [1, 2.5]}",
                                                     "\\n",
                                                     "answer: 42",
                                                     "\xE3\x80\x80"};
    std::string result;
    const std::uint32_t length = random_.below(6);
    for (std::uint32_t i = 0; i < length; ++i)
      result += kPieces[random_.below(static_cast<std::uint32_t>(kPieces.size()))];
    if (one_in(8)) result = "<tool_response>" + result + "</tool_response>";
    return result;
  }

  /// Any JSON value, nested at most so deep.
  Json value(int depth) {
    switch (random_.below(depth > 0 ? 9 : 7)) {
      case 0:
        return Json();
      case 1:
        return one_in(2);
      case 2:
        return static_cast<std::int64_t>(random_.next_u64() >> random_.below(64));
      case 3:
        return -static_cast<std::int64_t>(random_.below(1000));
      case 4:
        return number();
      case 5:
        return text();
      case 6:
        return random_.next_u64() | (std::uint64_t{1} << 63);  // more than int64 holds
      case 7: {
        Json items = Json::array();
        for (std::uint32_t i = random_.below(4); i > 0; --i) items.push_back(value(depth - 1));
        return items;
      }
      default:
        return object(depth);
    }
  }

 private:
  bool one_in(std::uint32_t n) { return random_.below(n) == 0; }

  double number() {
    static constexpr double kNumbers[] = {0.0,  -0.0, 1.0,  0.1,   -2.5,   1e16,    123456789012345.0,
                                          1e-5, 1e-4, 1e22, 1e100, 5e-324, 1.5e300, 9007199254740993.0};
    return one_in(2) ? kNumbers[random_.below(14)] : random_.normal() * 1000;
  }

  Json object(int depth) {
    static const std::vector<std::string> kKeys = {"name",  "city",  "\xC3\xBC", "a b",
                                                   "\"q\"", "items", "type",     "x"};
    Json result = Json::object();
    for (std::uint32_t i = random_.below(4); i > 0; --i) {
      result[kKeys[random_.below(8)]] = value(depth - 1);
    }
    return result;
  }

  Json tool_calls() {
    Json calls = Json::array();
    const std::uint32_t count = one_in(12) ? 0 : 1 + random_.below(one_in(2) ? 1 : 3);
    for (std::uint32_t i = 0; i < count; ++i) {
      Json function = {{"name", one_in(4) ? "brave_search" : "get_weather"}};
      Json arguments = one_in(3) ? Json::object() : object(3);
      if (one_in(3)) arguments = {{"query", text()}};
      function["arguments"] = one_in(4) ? Json(arguments.dump()) : arguments;
      if (one_in(8)) {
        calls.push_back(function);
      } else {
        Json call = Json::object();
        if (one_in(2)) call["id"] = "call_" + std::to_string(i);
        if (!one_in(8)) call["type"] = "function";
        call["function"] = function;
        calls.push_back(call);
      }
    }
    return calls;
  }

  Json tools() {
    Json list = Json::array();
    for (std::uint32_t i = 1 + random_.below(2); i > 0; --i) {
      Json properties = Json::object();
      properties["city"] = {{"type", "string"}, {"description", text()}, {"enum", {"Z\xC3\xBCrich", "Rome"}}};
      if (one_in(2)) properties["days"] = {{"type", "integer"}, {"default", value(2)}};
      list.push_back(
          {{"type", "function"},
           {"function",
            {{"name", "get_weather"},
             {"description", text()},
             {"parameters", {{"type", "object"}, {"properties", properties}, {"required", {"city"}}}}}}});
    }
    return list;
  }

  Json builtin_tools() {
    static const std::vector<std::string> kNames = {"brave_search", "code_interpreter", "wolfram_alpha"};
    Json list = Json::array();
    for (std::uint32_t i = random_.below(4); i > 0; --i) list.push_back(kNames[random_.below(3)]);
    return list;
  }

  /// The contents of a message: mostly text, now and then what templates do not expect.
  void add_content(Json& message) {
    const std::uint32_t kind = random_.below(40);
    if (kind == 0) return;
    if (kind == 1) {
      message["content"] = Json();
    } else if (kind == 2) {
      message["content"] = Json::array({{{"type", "text"}, {"text", text()}}});
    } else if (kind == 3) {
      message["content"] = value(2);
    } else {
      message["content"] = text();
    }
  }

  Json message(const std::string& role) {
    Json result = {{"role", role}};
    add_content(result);
    if (role == "assistant") {
      if (one_in(3)) {
        result["tool_calls"] = tool_calls();
        if (one_in(2)) result["content"] = one_in(2) ? Json() : Json("");
      }
      if (one_in(3)) result["reasoning_content"] = one_in(5) ? Json() : Json(text());
      if (one_in(5) && result.contains("content") && result["content"].is_string()) {
        result["content"] = "<think>" + text() + "</think>" + text();
      }
    }
    if (role == "tool") {
      if (one_in(2)) result["name"] = "get_weather";
      if (one_in(4)) result["content"] = value(2);
    }
    return result;
  }

  /// system? (user assistant (tool+ assistant)?)*
  Json orderly() {
    Json messages = Json::array();
    if (one_in(2)) messages.push_back(message("system"));
    for (std::uint32_t turns = 1 + random_.below(4); turns > 0; --turns) {
      messages.push_back(message("user"));
      if (turns == 1 && one_in(2)) break;
      messages.push_back(message("assistant"));
      if (one_in(3)) {
        for (std::uint32_t i = 1 + random_.below(2); i > 0; --i) messages.push_back(message("tool"));
        if (!one_in(3)) messages.push_back(message("assistant"));
      }
    }
    return messages;
  }

  Json disorderly() {
    static const std::vector<std::string> kRoles = {"system",  "user",   "assistant", "tool",
                                                    "ipython", "critic", ""};
    Json messages = Json::array();
    for (std::uint32_t i = random_.below(6); i > 0; --i) {
      messages.push_back(message(kRoles[random_.below(7)]));
      if (one_in(25)) messages.back().erase("role");
    }
    return messages;
  }

  RandomStream random_;
};

}  // namespace reckon::testing
