#include "reckon/lineage/lineage.h"

#include <algorithm>
#include <set>

#include "lineage_check.h"
#include "reckon/base/error.h"
#include "strict_json.h"

namespace reckon {
namespace {

constexpr std::string_view kSchema = "reckon.lineage/1";
constexpr std::string_view kGenerated = "generated";

OrderedJson base_json(const LineageBase& base) {
  OrderedJson object;
  if (!base.path.empty()) object["path"] = base.path;
  if (!base.init.empty()) object["init"] = base.init;
  object["weights_sha256"] = base.weights_sha256;
  if (!base.tokenizer_sha256.empty()) object["tokenizer_sha256"] = base.tokenizer_sha256;
  return object;
}

OrderedJson data_json(const LineageData& data) {
  OrderedJson object;
  object["task"] = data.task;
  object["kind"] = data.kind;
  if (data.sources.empty()) object["sources"] = kGenerated;
  for (const LineageSource& source : data.sources) {
    object["sources"].push_back({{"file", source.file}, {"sha256", source.sha256}});
  }
  return object;
}

OrderedJson stage_json(const LineageStage& stage) {
  OrderedJson object;
  object["name"] = stage.name;
  object["kind"] = stage.kind;
  object["from"] = stage.from;
  object["steps"] = stage.steps;
  object["weights_before"] = stage.weights_before;
  if (!stage.weights_after.empty()) object["weights_after"] = stage.weights_after;
  object["first_link"] = stage.first_link;
  object["last_link"] = stage.last_link;
  object["tasks"] = stage.tasks;
  object["results"] = OrderedJson::array();
  for (const LineageResult& result : stage.results) {
    object["results"].push_back({{"task", result.task}, {"pass_at_1", result.pass_at_1}, {"n", result.n}});
  }
  return object;
}

OrderedJson to_json(const Lineage& lineage, int parents) {
  const std::string problem = parents > kMaxLineageParents
                                  ? "has more than " + std::to_string(kMaxLineageParents) + " parents"
                                  : lineage_problem(lineage);
  if (!problem.empty())
    throw Error(ExitCode::internal, "lineage_json: run " + in_quotes(lineage.run) + ": " + problem);
  OrderedJson object;
  object["schema"] = kSchema;
  object["run"] = lineage.run;
  object["program"] = lineage.program;
  object["recipe_sha256"] = lineage.recipe_sha256;
  object["base"] = base_json(lineage.base);
  object["data"] = OrderedJson::array();
  for (const LineageData& data : lineage.data) object["data"].push_back(data_json(data));
  object["stages"] = OrderedJson::array();
  for (const LineageStage& stage : lineage.stages) object["stages"].push_back(stage_json(stage));
  object["head"] = lineage.head;
  if (lineage.parent) object["parent"] = to_json(*lineage.parent, parents + 1);
  return object;
}

LineageBase parse_base(const OrderedJson& json, const std::string& where) {
  JsonObject object(json, where);
  LineageBase base;
  if (object.has("path")) base.path = object.text("path");
  if (object.has("init")) base.init = object.text("init");
  base.weights_sha256 = object.sha256("weights_sha256");
  if (object.has("tokenizer_sha256")) base.tokenizer_sha256 = object.sha256("tokenizer_sha256");
  object.refuse_others();
  return base;
}

LineageData parse_data(const OrderedJson& json, const std::string& where) {
  JsonObject object(json, where);
  LineageData data{.task = object.text("task"), .kind = object.text("kind"), .sources = {}};
  if (!object.has("sources") || json["sources"] != kGenerated) {
    const OrderedJson& sources = object.array("sources");
    for (std::size_t i = 0; i < sources.size(); ++i) {
      JsonObject source(sources[i], where + ": sources[" + std::to_string(i) + "]");
      data.sources.push_back({.file = source.text("file"), .sha256 = source.sha256("sha256")});
      source.refuse_others();
    }
    if (sources.empty()) {
      throw Error(ExitCode::bad_data, where + ": \"sources\" is empty (need files, or \"generated\")");
    }
  } else {
    static_cast<void>(object.text("sources"));
  }
  object.refuse_others();
  return data;
}

LineageStage parse_stage(const OrderedJson& json, const std::string& where) {
  JsonObject object(json, where);
  LineageStage stage;
  stage.name = object.text("name");
  stage.kind = object.text("kind");
  stage.from = object.text("from");
  stage.steps = object.count("steps");
  stage.weights_before = object.sha256("weights_before");
  if (object.has("weights_after")) stage.weights_after = object.sha256("weights_after");
  stage.first_link = object.sha256("first_link");
  stage.last_link = object.sha256("last_link");
  for (const OrderedJson& task : object.array("tasks")) {
    if (!task.is_string()) {
      throw Error(ExitCode::bad_data,
                  where + ": tasks: holds a JSON " + task.type_name() + " (need strings)");
    }
    stage.tasks.push_back(task.get<std::string>());
  }
  for (const OrderedJson& entry : object.array("results")) {
    JsonObject result(entry, where + ": results[" + std::to_string(stage.results.size()) + "]");
    stage.results.push_back(
        {.task = result.text("task"), .pass_at_1 = result.number("pass_at_1"), .n = result.count("n")});
    result.refuse_others();
  }
  object.refuse_others();
  return stage;
}

Lineage from_json(const OrderedJson& json, const std::string& where, int parents) {
  JsonObject object(json, where);
  if (const std::string& schema = object.text("schema"); schema != kSchema) {
    throw Error(ExitCode::bad_data,
                where + ": schema " + in_quotes(schema) + " (need \"" + std::string(kSchema) + "\")");
  }
  Lineage lineage;
  lineage.run = object.text("run");
  lineage.program = object.text("program");
  lineage.recipe_sha256 = object.sha256("recipe_sha256");
  lineage.base = parse_base(object.object("base"), where + ": base");
  for (const OrderedJson& entry : object.array("data")) {
    lineage.data.push_back(parse_data(entry, where + ": data[" + std::to_string(lineage.data.size()) + "]"));
  }
  for (const OrderedJson& entry : object.array("stages")) {
    lineage.stages.push_back(
        parse_stage(entry, where + ": stages[" + std::to_string(lineage.stages.size()) + "]"));
  }
  lineage.head = object.sha256("head");
  if (const std::string problem = lineage_problem(lineage); !problem.empty()) {
    throw Error(ExitCode::bad_data, where + ": " + problem);
  }
  if (object.has("parent")) {
    if (parents == kMaxLineageParents) {
      throw Error(ExitCode::bad_data,
                  where + ": has more than " + std::to_string(kMaxLineageParents) + " parents");
    }
    lineage.parent =
        std::make_shared<const Lineage>(from_json(object.object("parent"), where + ": parent", parents + 1));
  }
  object.refuse_others();
  return lineage;
}

}  // namespace

std::string lineage_json(const Lineage& lineage) {
  return dump_strict(to_json(lineage, 0), 2, "lineage_json") + "\n";
}

Lineage parse_lineage(const std::string& text, const std::string& where) {
  return from_json(parse_strict(text, where), where, 0);
}

Lineage lineage_up_to(const Lineage& lineage, std::string_view stage) {
  std::set<std::string_view> kept;
  std::string_view wanted = stage;
  for (auto at = lineage.stages.rbegin(); at != lineage.stages.rend(); ++at) {
    if (at->name != wanted) continue;
    kept.insert(at->name);
    wanted = at->from;
  }
  if (kept.empty()) {
    throw Error(ExitCode::internal,
                "lineage_up_to: run " + in_quotes(lineage.run) + " has no stage " + in_quotes(stage));
  }
  kept.insert(kBaseModel);
  Lineage part = lineage;
  std::erase_if(part.stages, [&](const LineageStage& entry) {
    const bool evaluates = entry.weights_after.empty() && kept.contains(entry.from);
    return !kept.contains(entry.name) && !evaluates;
  });
  std::set<std::string_view> tasks;
  for (const LineageStage& entry : part.stages) tasks.insert(entry.tasks.begin(), entry.tasks.end());
  std::erase_if(part.data, [&](const LineageData& data) { return !tasks.contains(data.task); });
  part.head = part.stages.back().last_link;
  return part;
}

}  // namespace reckon
