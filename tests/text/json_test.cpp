#include "reckon/text/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <vector>

#include "reckon/base/error.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "no error";
}

std::string lines_error(const std::string& text) {
  return message_of([&] {
    std::istringstream in(text);
    read_json_lines(in, "f.jsonl", [](const nlohmann::json&, const std::string&) {});
  });
}

TEST(Json, RefusesAKeyThatStandsTwice) {
  EXPECT_EQ(message_of([] { (void)parse_json(R"({"a": {"b": 1}, "c": {"b": 1, "b": 2}})", "f"); }),
            "f: key \"b\" stands twice in one object (need it once)");
  EXPECT_EQ(parse_json(R"([{"a": 1}, {"a": 2}])", "f")[1]["a"], 2);
}

TEST(Json, RefusesDeepNesting) {
  const std::string shallow = std::string(60, '[') + std::string(60, ']');
  EXPECT_TRUE(parse_json(shallow, "f").is_array());
  EXPECT_EQ(message_of([] { (void)parse_json(std::string(1'000'000, '['), "f"); }),
            "f: JSON nested deeper than 64 levels");
}

TEST(Json, SaysWhereTheTextIsNotJson) {
  EXPECT_THAT(message_of([] { (void)parse_json("{\"a\": 01}", "f"); }),
              StartsWith("f: not JSON: parse error at line 1, column 8"));
  EXPECT_THAT(message_of([] { (void)parse_json("", "f"); }), StartsWith("f: not JSON: "));
  EXPECT_THAT(message_of([] { (void)parse_json("[1e999]", "f"); }), StartsWith("f: not JSON: "));
  EXPECT_THAT(message_of([] { (void)parse_json("\"\xFF\"", "f"); }), StartsWith("f: not JSON: "));
}

TEST(JsonLines, NamesEachLine) {
  std::istringstream in("{\"a\": 1}\r\n{\"a\": 2}");
  std::vector<std::string> seen;
  read_json_lines(in, "f", [&](const nlohmann::json& value, const std::string& where) {
    seen.push_back(where + "=" + value["a"].dump());
  });
  EXPECT_THAT(seen, ElementsAre("f:1=1", "f:2=2"));
}

TEST(JsonLines, RefusesWhatIsNoObjectOnALine) {
  EXPECT_EQ(lines_error("{}\n\n{}\n"), "f.jsonl:2: the line is empty (need one JSON object a line)");
  EXPECT_EQ(lines_error("{}\n[]\n"), "f.jsonl:2: the line is a JSON array (need one JSON object a line)");
  EXPECT_THAT(lines_error("{}\n{}\n{\"a\": \"cut o"), HasSubstr("f.jsonl:3: not JSON"));
  EXPECT_THAT(lines_error("{\"a\": 1} {\"a\": 2}\n"), HasSubstr("f.jsonl:1: not JSON"));
}

TEST(JsonLines, RefusesALineOfTenMegabytes) {
  EXPECT_EQ(lines_error("{}\n{\"a\": \"" + std::string(10'000'000, 'x') + "\"}\n"),
            "f.jsonl:2: the line is longer than 4194304 bytes (need one JSON object a line)");
}

TEST(Json, AsksForStringsByName) {
  const auto object = parse_json(R"({"a": "x", "b": 1})", "f");
  EXPECT_EQ(json_string(object, "a", "f:1"), "x");
  EXPECT_EQ(message_of([&] { (void)json_string(object, "b", "f:1"); }),
            "f:1: \"b\" is a number (need a string)");
  EXPECT_EQ(message_of([&] { (void)json_string(object, "c", "f:1"); }),
            "f:1: no \"c\" (need a string of that name)");
}

}  // namespace
}  // namespace reckon
