// summary.json: results are those of the chain, and all of it is what the last checkpoint has.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "run_files.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSummaryName = "summary.json";

/// A member by name; null where it is not there.
Json member(const Json& object, const std::string& name) {
  return object.is_object() && object.contains(name) ? object[name] : Json();
}

std::string value_of(const ChainEvent& event, const std::string& name) {
  const ChainEvent::Value* value = event.find(name);
  if (value == nullptr) return "null";
  return std::visit([](const auto& v) { return Json(v).dump(); }, *value);
}

void compare_result(const Json& stages, const std::string& stage, const ChainEvent& event, Check& check) {
  const std::string task = event.text("task");
  const Json result = member(member(member(stages, stage), "eval"), task);
  for (const char* name : {"pass_at_1", "greedy", "mean_tokens", "n"}) {
    const std::string is = member(result, name).dump();
    if (is != value_of(event, name))
      check.fail("summary.json: stage " + in_quotes(stage) + ", task " + in_quotes(task) + ": " + name +
                 " is " + is + ", and the chain has " + value_of(event, name));
  }
}

/// \param last  the run may have been interrupted before the entry of its last stage was written
void compare_stage(const Json& stages, const StageHistory& stage, const RunFiles& run, bool last,
                   Check& check) {
  const Json entry = member(stages, stage.name);
  const std::string where = "summary.json: stage " + in_quotes(stage.name) + ": ";
  if (entry.is_null()) {
    if (stage.ended) check.fail_unless(last && !run.history.finished, where + "is not there");
    return;
  }
  if (!stage.ended) return;
  if (member(entry, "kind") != stage.kind) check.fail(where + "its kind is not " + stage.kind);
  if (member(entry, "steps") != stage.steps.size())
    check.fail(where + "steps is " + member(entry, "steps").dump() + ", and the chain has " +
               std::to_string(stage.steps.size()));
  for (const ChainEvent* event : stage.evaluations) {
    compare_result(stages, stage.name, *event, check);
    // Evaluated again by a later stage, the results of that one stand there.
    const bool later = std::ranges::any_of(run.history.stages, [&](const StageHistory& other) {
      return other.from == stage.from && &other > &stage && !other.evaluations.empty();
    });
    if (!later && stages.contains(stage.from)) compare_result(stages, stage.from, *event, check);
  }
}

/// The first place in which two values differ: "/stages/rl-1/seconds".
std::string first_difference(const Json& is, const Json& expected) {
  const nlohmann::json patch = nlohmann::json::diff(nlohmann::json(expected), nlohmann::json(is));
  return patch.empty() ? "the order of its members, or its spaces" : patch.front()["path"].get<std::string>();
}

/// The checkpoint of a stage's end holds the summary as it was written then.
void compare_with_checkpoint(const Json& summary, const std::string& text, const RunFiles& run,
                             Check& check) {
  const auto end = std::ranges::find_if(run.checkpoints.rbegin(), run.checkpoints.rend(),
                                        [](const SealedCheckpoint& c) { return c.state.stage_done; });
  if (end == run.checkpoints.rend()) {
    check.note("no checkpoint of a stage's end says what times and intervals it should have");
    return;
  }
  Json expected = Json::parse(end->state.summary);
  const bool same_stages = member(expected, "stages").size() == member(summary, "stages").size();
  if (!same_stages && !run.history.finished) {
    check.note("is newer than the last checkpoint of a stage's end");
    return;
  }
  expected["complete"] = run.history.finished;
  if (text == expected.dump(2, ' ', false, Json::error_handler_t::replace) + "\n") return;
  check.fail("summary.json: differs from what checkpoint " + end->name + " has, in " +
             first_difference(summary, expected));
}

}  // namespace

void check_summary(const RunFiles& run, VerifyReport& report) {
  Check check(report, kSummaryName);
  if (!fs::exists(run.folder / kSummaryName)) {
    check.fail_unless(
        !run.history.finished && std::ranges::count(run.history.stages, true, &StageHistory::ended) <= 1,
        "is not there");
    return;
  }
  std::size_t num_stages = 0;
  check.attempt([&] {
    const std::string text = read_file(run.folder / kSummaryName);
    const Json summary = Json::parse(text);
    const Json stages = member(summary, "stages");
    num_stages = stages.size();
    if (member(summary, "run") != run.history.run().text("run"))
      check.fail("summary.json: is of a run " + member(summary, "run").dump());
    if (member(summary, "complete") == true && !run.history.finished && run.history.whole)
      check.fail("summary.json: says that the run is complete, and the chain lacks stages");
    for (const auto& [name, entry] : stages.items()) {
      if (run.history.whole && run.history.find(name) == nullptr)
        check.fail("summary.json: has a stage " + in_quotes(name) + ", and the chain has not");
    }
    for (const StageHistory& stage : run.history.stages) {
      // Two entries may be open: that of the last stage, and of the one before it, were it begun but not
      // told.
      compare_stage(stages, stage, run, &stage == &run.history.stages.back(), check);
    }
    compare_with_checkpoint(summary, text, run, check);
  });
  check.finish(counted(num_stages, "stage"));
}

}  // namespace reckon
