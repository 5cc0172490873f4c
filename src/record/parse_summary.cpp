#include <algorithm>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>

#include "reckon/base/error.h"
#include "reckon/record/summary.h"

namespace reckon {
namespace {

using Json = nlohmann::ordered_json;

/// An object of a summary, with the way to it for messages.
class Object {
 public:
  Object(const Json& json, std::string path) : json_(json), path_(std::move(path)) {
    if (!json.is_object()) fail(path_, json, "an object");
  }

  [[nodiscard]] std::string text(const std::string& name) const {
    const Json& value = member(name);
    if (!value.is_string()) fail(path_of(name), value, "a text");
    return value.get<std::string>();
  }
  [[nodiscard]] bool flag(const std::string& name) const {
    const Json& value = member(name);
    if (!value.is_boolean()) fail(path_of(name), value, "true or false");
    return value.get<bool>();
  }
  [[nodiscard]] std::uint64_t count(const std::string& name) const {
    const Json& value = member(name);
    if (!value.is_number_unsigned()) fail(path_of(name), value, "a whole number, at least 0");
    return value.get<std::uint64_t>();
  }
  [[nodiscard]] double number(const std::string& name) const {
    const Json& value = member(name);
    if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!value.is_number()) fail(path_of(name), value, "a number or null");
    return value.get<double>();
  }
  [[nodiscard]] bool has(const std::string& name) const { return json_.contains(name); }
  [[nodiscard]] Object object(const std::string& name) const { return {member(name), path_of(name)}; }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& entry : json_.items()) names.push_back(entry.key());
    return names;
  }
  /// All members of other names than these, which must be numbers.
  [[nodiscard]] ExtraNumbers extra(std::initializer_list<std::string_view> known) const {
    ExtraNumbers extra;
    for (const std::string& name : names()) {
      if (std::find(known.begin(), known.end(), name) == known.end()) extra.emplace_back(name, number(name));
    }
    return extra;
  }

 private:
  [[nodiscard]] std::string path_of(const std::string& name) const {
    return path_ + (path_.ends_with(": ") ? "" : ".") + name;
  }
  [[nodiscard]] const Json& member(const std::string& name) const {
    const auto found = json_.find(name);
    if (found == json_.end()) throw Error(ExitCode::bad_data, path_of(name) + ": is missing");
    return *found;
  }
  [[noreturn]] static void fail(const std::string& path, const Json& value, const std::string& need) {
    const std::string shown = value.is_structured() ? value.type_name() : value.dump();
    throw Error(ExitCode::bad_data,
                path + (path.ends_with(": ") ? "" : ": ") + "is " + shown + " (need " + need + ")");
  }

  const Json& json_;
  std::string path_;  ///< of the outermost object: `where: `
};

TaskResult task_result(const Object& object) {
  return {.pass_at_1 = object.number("pass_at_1"),
          .ci95 = object.number("ci95"),
          .n = object.count("n"),
          .mean_tokens = object.number("mean_tokens"),
          .greedy = object.number("greedy"),
          .extra = object.extra({"pass_at_1", "ci95", "n", "mean_tokens", "greedy"})};
}

StageSummary stage_summary(const std::string& name, const Object& object) {
  StageSummary stage{.name = name,
                     .kind = object.text("kind"),
                     .seconds = object.number("seconds"),
                     .steps = object.count("steps"),
                     .evaluates = object.has("from") ? object.text("from") : "",
                     .tasks = {},
                     .extra = object.extra({"kind", "seconds", "steps", "from", "eval"})};
  if (!object.has("eval")) return stage;
  const Object tasks = object.object("eval");
  for (const std::string& task : tasks.names())
    stage.tasks.emplace_back(task, task_result(tasks.object(task)));
  return stage;
}

}  // namespace

Summary parse_summary(std::string_view text, const std::string& where) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error(ExitCode::bad_data, where + ": is no JSON. Is the file damaged?");
  const Object object(json, where + ": ");
  Summary summary{.run = object.text("run"),
                  .complete = object.flag("complete"),
                  .stages = {},
                  .extra = object.extra({"run", "complete", "stages"})};
  const Object stages = object.object("stages");
  for (const std::string& name : stages.names()) {
    summary.stages.push_back(stage_summary(name, stages.object(name)));
  }
  return summary;
}

}  // namespace reckon
