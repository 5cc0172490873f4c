#include "reckon/lineage/lineage.h"

#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "lineage/sample_lineage.h"
#include "record/sample_batches.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using testing::error_of;
using testing::hash_of;
using ::testing::HasSubstr;
using testing::sample_lineage;
using Json = nlohmann::ordered_json;

std::string refusal(const std::string& text) {
  return error_of(ExitCode::bad_data, [&] { static_cast<void>(parse_lineage(text, "l.json")); });
}

/// The sample as JSON, changed.
std::string refusal_of(const std::function<void(Json&)>& change) {
  Json json = Json::parse(lineage_json(sample_lineage()));
  change(json);
  return refusal(json.dump());
}

std::string failure(const Lineage& lineage) {
  return error_of(ExitCode::internal, [&] { static_cast<void>(lineage_json(lineage)); });
}

std::vector<std::string> names(const Lineage& lineage) {
  std::vector<std::string> names;
  for (const LineageStage& stage : lineage.stages) names.push_back(stage.name);
  return names;
}

/// A run whose base has `count` models behind it.
Lineage with_parents(int count) {
  Lineage lineage = sample_lineage();
  for (int i = 0; i < count; ++i) {
    Lineage child = sample_lineage();
    child.parent = std::make_shared<const Lineage>(std::move(lineage));
    lineage = std::move(child);
  }
  return lineage;
}

TEST(Lineage, JsonHasEveryMember) {
  const Json stage = Json::parse(R"({"name": "rl-1", "kind": "grpo", "from": "model", "steps": 50,
      "weights_before": "1", "weights_after": "3", "first_link": "4", "last_link": "5", "tasks": ["chains", "seeds"],
      "results": [{"task": "chains", "pass_at_1": 0.28711, "n": 512}]})");
  Json expected = Json::parse(R"({"schema": "reckon.lineage/1", "run": "r1", "program": "reckon 0.1.0",
      "recipe_sha256": "a", "base": {"init": "qwen3", "weights_sha256": "1", "tokenizer_sha256": "b"},
      "data": [{"task": "chains", "kind": "arithmetic", "sources": "generated"},
               {"task": "seeds", "kind": "jsonl", "sources": [{"file": "seeds.jsonl", "sha256": "c"}]}],
      "stages": [], "head": "9"})");
  expected["stages"].push_back(stage);
  std::string text = expected.dump(2) + "\n";
  for (const char digit : {'1', '3', '4', '5', '9', 'a', 'b', 'c'}) {
    const std::string cut = std::string(": \"") + digit + '"';
    for (std::size_t at = 0; (at = text.find(cut)) != std::string::npos;) {
      text.replace(at, cut.size(), ": \"" + hash_of(digit) + '"');
    }
  }
  Lineage lineage = sample_lineage();
  lineage.stages = {lineage.stages[2]};
  lineage.stages[0].from = "model";
  lineage.stages[0].weights_before = hash_of('1');
  lineage.stages[0].tasks = {"chains", "seeds"};
  lineage.stages[0].results = {{"chains", 0.28711, 512}};
  EXPECT_EQ(lineage_json(lineage), text);
}

TEST(Lineage, ReadsBack) {
  Lineage lineage = sample_lineage();
  lineage.base = {
      .path = "models/größer", .init = "", .weights_sha256 = hash_of('1'), .tokenizer_sha256 = ""};
  lineage.parent = std::make_shared<const Lineage>(sample_lineage());
  const Lineage read = parse_lineage(lineage_json(lineage), "l.json");
  EXPECT_EQ(read.run, lineage.run);
  EXPECT_EQ(read.program, lineage.program);
  EXPECT_EQ(read.recipe_sha256, lineage.recipe_sha256);
  EXPECT_EQ(read.base, lineage.base);
  EXPECT_EQ(read.data, lineage.data);
  EXPECT_EQ(read.stages, lineage.stages);
  EXPECT_EQ(read.head, lineage.head);
  ASSERT_NE(read.parent, nullptr);
  EXPECT_EQ(lineage_json(*read.parent), lineage_json(sample_lineage()));
  EXPECT_EQ(read.parent->parent, nullptr);
}

TEST(Lineage, RefusesWhatIsNoLineage) {
  EXPECT_THAT(refusal("no JSON"), HasSubstr("l.json: not JSON: "));
  EXPECT_EQ(refusal("[]"), "l.json: is a JSON array (need an object)");
  EXPECT_EQ(refusal("{}"), "l.json: no \"schema\" (need a member of that name)");
  EXPECT_EQ(refusal_of([](Json& json) { json["schema"] = "reckon.lineage/2"; }),
            "l.json: schema \"reckon.lineage/2\" (need \"reckon.lineage/1\")");
  EXPECT_EQ(refusal_of([](Json& json) { json["more"] = 1; }),
            "l.json: unknown member \"more\" (need none of that name)");
  EXPECT_EQ(refusal_of([](Json& json) { json["base"]["more"] = 1; }),
            "l.json: base: unknown member \"more\" (need none of that name)");
  EXPECT_EQ(refusal_of([](Json& json) { json["data"][1]["sources"][0]["more"] = 1; }),
            "l.json: data[1]: sources[0]: unknown member \"more\" (need none of that name)");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][3]["results"][1]["more"] = 1; }),
            "l.json: stages[3]: results[1]: unknown member \"more\" (need none of that name)");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][2]["steps"] = -1; }),
            "l.json: stages[2]: \"steps\" is -1 (need an integer from 0 to 2^64 - 1)");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][2]["steps"] = 50.0; }),
            "l.json: stages[2]: \"steps\" is 50.0 (need an integer from 0 to 2^64 - 1)");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][2]["tasks"][0] = 7; }),
            "l.json: stages[2]: tasks: holds a JSON number (need strings)");
  EXPECT_EQ(refusal_of([](Json& json) { json["data"][0]["sources"] = "made"; }),
            "l.json: data[0]: \"sources\" is \"made\" (need an array)");
  EXPECT_EQ(refusal_of([](Json& json) { json["data"][0]["sources"] = Json::array(); }),
            "l.json: data[0]: \"sources\" is empty (need files, or \"generated\")");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][0]["name"] = nullptr; }),
            "l.json: stages[0]: \"name\" is null (need a string)");
  EXPECT_EQ(refusal_of([](Json& json) {
              json["parent"] = Json{{"schema", "x"}};
            }),
            "l.json: parent: schema \"x\" (need \"reckon.lineage/1\")");
}

TEST(Lineage, NeedsEachMember) {
  const Json whole = Json::parse(lineage_json(sample_lineage()));
  const std::vector<Json::json_pointer> places = {
      Json::json_pointer(""),          Json::json_pointer("/base"),
      Json::json_pointer("/data/1"),   Json::json_pointer("/data/1/sources/0"),
      Json::json_pointer("/stages/3"), Json::json_pointer("/stages/3/results/0")};
  int num_tried = 0;
  for (const Json::json_pointer& place : places) {
    for (const auto& [name, value] : whole[place].items()) {
      if (name == "tokenizer_sha256" || name == "init") continue;  // see below
      Json json = whole;
      json[place].erase(name);
      EXPECT_THAT(refusal(json.dump()), HasSubstr(": no \"" + name + "\" (need a member of that name)"));
      ++num_tried;
    }
  }
  EXPECT_EQ(num_tried, 8 + 1 + 3 + 2 + 9 + 3);
  Json json = whole;
  json["base"].erase("tokenizer_sha256");
  EXPECT_EQ(parse_lineage(json.dump(), "l.json").base.tokenizer_sha256, "");
}

TEST(Lineage, RefusesAChainThatDoesNotHoldTogether) {
  EXPECT_EQ(refusal_of([](Json& json) { json["base"].erase("init"); }),
            "l.json: base: \"path\" is \"\" and \"init\" is \"\" (need one of them)");
  EXPECT_EQ(refusal_of([](Json& json) { json["base"]["path"] = "m"; }),
            "l.json: base: \"path\" is \"m\" and \"init\" is \"qwen3\" (need one of them)");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][2]["weights_before"] = hash_of('7'); }),
            "l.json: stages[2]: \"weights_before\" is " + hash_of('7') + " (need " + hash_of('2') +
                ", which \"cold-start\" made)");
  EXPECT_EQ(refusal_of([](Json& json) { json["base"]["weights_sha256"] = hash_of('7'); }),
            "l.json: stages[0]: \"weights_before\" is " + hash_of('1') + " (need " + hash_of('7') +
                ", which \"model\" made)");
  EXPECT_EQ(
      refusal_of([](Json& json) { json["stages"][2]["from"] = "sft-2"; }),
      "l.json: stages[2]: \"from\" is \"sft-2\" (need \"model\" or a stage that stands before this one)");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][2]["from"] = "eval-1"; }),
            "l.json: stages[2]: \"from\" is \"eval-1\" (need a stage that makes weights)");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][4]["name"] = "rl-1"; }),
            "l.json: stages[4]: name \"rl-1\" is taken (need each stage once, and none \"model\")");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][4]["name"] = "model"; }),
            "l.json: stages[4]: name \"model\" is taken (need each stage once, and none \"model\")");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][4]["tasks"][1] = "knights"; }),
            "l.json: stages[4]: task \"knights\" has no \"data\" (need an entry)");
  EXPECT_EQ(refusal_of([](Json& json) { json["data"][1]["task"] = "chains"; }),
            "l.json: data[1]: task \"chains\" stands twice (need each once)");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][3]["results"][1]["task"] = "chains"; }),
            "l.json: stages[3]: results: task \"chains\" stands twice (need each once)");
  EXPECT_EQ(refusal_of([](Json& json) { json["stages"][3]["results"][1]["pass_at_1"] = 1.5; }),
            "l.json: stages[3]: results: \"pass_at_1\" is 1.500000 (need 0 to 1)");
}

TEST(Lineage, HoldsEveryHashToItsForm) {
  for (const char* place : {"/recipe_sha256", "/head", "/base/weights_sha256", "/base/tokenizer_sha256",
                            "/data/1/sources/0/sha256", "/stages/0/weights_before", "/stages/0/weights_after",
                            "/stages/0/first_link", "/stages/0/last_link"}) {
    for (const std::string& hash : {std::string(), std::string(63, 'a'), std::string(64, 'A')}) {
      EXPECT_THAT(refusal_of([&](Json& json) { json[Json::json_pointer(place)] = hash; }),
                  HasSubstr(" is \"" + hash + "\" (need a SHA-256: 64 lower-case hexadecimal digits)"))
          << place;
    }
  }
  Lineage lineage = sample_lineage();
  lineage.stages[2].last_link = "abc";
  EXPECT_EQ(failure(lineage),
            "lineage_json: run \"r1\": stages[2]: \"last_link\" is \"abc\" (need a SHA-256: 64 lower-case "
            "hexadecimal digits)");
}

TEST(Lineage, WritesNoneThatItWouldNotRead) {
  Lineage lineage = sample_lineage();
  lineage.stages[1].results[0].pass_at_1 = std::nan("");
  EXPECT_EQ(failure(lineage),
            "lineage_json: run \"r1\": stages[1]: results: \"pass_at_1\" is nan (need 0 to 1)");
  lineage = sample_lineage();
  lineage.run = "gr\xF6\xDF";
  EXPECT_THAT(failure(lineage), HasSubstr("cannot be written as JSON: invalid UTF-8"));
}

TEST(Lineage, MayHaveSixtyFourParents) {
  const std::string most = lineage_json(with_parents(64));
  int num_parents = 0;
  const Lineage read = parse_lineage(most, "l.json");
  for (const Lineage* at = read.parent.get(); at != nullptr; at = at->parent.get()) ++num_parents;
  EXPECT_EQ(num_parents, 64);
  EXPECT_EQ(failure(with_parents(65)), "lineage_json: run \"r1\": has more than 64 parents");
  Json over = Json::parse(lineage_json(sample_lineage()));
  over["parent"] = Json::parse(most);
  std::string place;
  for (int i = 0; i < 64; ++i) place += ": parent";
  EXPECT_EQ(refusal(over.dump()), "l.json" + place + ": has more than 64 parents");
}

TEST(Lineage, MayHaveAThousandStages) {
  Lineage lineage = sample_lineage();
  lineage.stages.resize(1);
  while (lineage.stages.size() < 1000) {
    LineageStage next = lineage.stages.back();
    next.from = next.name;
    next.name = "s" + std::to_string(lineage.stages.size());
    next.weights_before = next.weights_after;
    lineage.stages.push_back(next);
  }
  EXPECT_EQ(parse_lineage(lineage_json(lineage), "l.json").stages, lineage.stages);
  EXPECT_THAT(lineage_tree(lineage, 80), HasSubstr("└─ s999: sft, 600 steps, "));
  lineage.stages.push_back(lineage.stages.back());
  lineage.stages.back().name = "s1000";
  EXPECT_EQ(failure(lineage), "lineage_json: run \"r1\": stages: 1001 of them (need at most 1000)");
}

TEST(LineageUpTo, KeepsWhatLedToAStage) {
  const Lineage lineage = sample_lineage();
  Lineage part = lineage_up_to(lineage, "rl-1");
  EXPECT_THAT(names(part), ElementsAre("cold-start", "eval-1", "rl-1", "eval-2"));
  EXPECT_EQ(part.data, std::vector{lineage.data[0]}) << "the seeds are sft-2's";
  EXPECT_EQ(part.head, lineage.stages[3].last_link);
  EXPECT_EQ(part.base, lineage.base);
  EXPECT_EQ(part.recipe_sha256, lineage.recipe_sha256);
  EXPECT_EQ(lineage_json(parse_lineage(lineage_json(part), "l.json")), lineage_json(part));

  part = lineage_up_to(lineage, "sft-2");
  EXPECT_THAT(names(part), ElementsAre("sft-2"));
  EXPECT_EQ(part.data, lineage.data);
  EXPECT_EQ(part.head, lineage.stages[4].last_link);
  EXPECT_THAT(names(lineage_up_to(lineage, "cold-start")), ElementsAre("cold-start", "eval-1"));
  EXPECT_THAT(names(lineage_up_to(lineage, "eval-1")), ElementsAre("cold-start", "eval-1"));
}

TEST(LineageUpTo, KeepsParentsAndEvaluationsOfTheBase) {
  Lineage lineage = sample_lineage();
  lineage.parent = std::make_shared<const Lineage>(sample_lineage());
  lineage.stages[1].from = "model";
  lineage.stages[1].weights_before = hash_of('1');
  const Lineage part = lineage_up_to(lineage, "sft-2");
  EXPECT_THAT(names(part), ElementsAre("eval-1", "sft-2"));
  EXPECT_EQ(part.parent, lineage.parent);
  EXPECT_EQ(error_of(ExitCode::internal, [&] { static_cast<void>(lineage_up_to(lineage, "model")); }),
            "lineage_up_to: run \"r1\" has no stage \"model\"");
}

}  // namespace
}  // namespace reckon
