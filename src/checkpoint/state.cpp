#include "reckon/checkpoint/state.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "reckon/base/error.h"

namespace reckon {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "reckon.state/1";

/// Takes members of the state's JSON, each of its type.
class StateReader {
 public:
  StateReader(const Json& object, const std::string& where) : object_(object), where_(where) {}

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ExitCode::bad_data, where_ + ": " + what + ". Is the file damaged?");
  }
  [[nodiscard]] const Json& at(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) fail("\"" + std::string(name) + "\" is missing");
    return *found;
  }
  [[nodiscard]] std::string text(const char* name) const {
    if (!at(name).is_string()) fail("\"" + std::string(name) + "\" is no text");
    return at(name).get<std::string>();
  }
  [[nodiscard]] std::uint64_t count(const char* name) const {
    if (!at(name).is_number_unsigned())
      fail("\"" + std::string(name) + "\" is no whole number of at least 0");
    return at(name).get<std::uint64_t>();
  }
  [[nodiscard]] std::int64_t steps(const char* name) const {
    const std::uint64_t value = count(name);
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      fail("\"" + std::string(name) + "\" is " + std::to_string(value) + ", too large");
    return static_cast<std::int64_t>(value);
  }
  [[nodiscard]] double number(const char* name) const {
    if (!at(name).is_number()) fail("\"" + std::string(name) + "\" is no number");
    return at(name).get<double>();
  }
  [[nodiscard]] bool truth(const char* name) const {
    if (!at(name).is_boolean()) fail("\"" + std::string(name) + "\" is neither true nor false");
    return at(name).get<bool>();
  }

 private:
  const Json& object_;
  const std::string& where_;
};

}  // namespace

std::string train_state_json(const TrainState& state) {
  Json object;
  object["schema"] = kSchema;
  object["stage"] = state.stage;
  object["step"] = state.step;
  object["stage_done"] = state.stage_done;
  object["updates"] = state.updates;
  object["next_problem"] = state.cursor.number;
  object["weights_sha256"] = state.weights_sha256;
  object["guards"] = state.guards;
  object["stage_seconds"] = state.stage_seconds;
  object["summary"] = state.summary;
  object["metrics_bytes"] = state.metrics_bytes;
  object["metrics_sha256"] = state.metrics_sha256;
  object["chain_bytes"] = state.chain_bytes;
  object["chain_link"] = state.chain_link;
  object["recipe_sha256"] = state.recipe_sha256;
  object["fingerprint"] = state.fingerprint;
  object["world_size"] = state.world_size;
  object["pending_groups"] = state.pending_groups;
  object["groups_drawn"] = state.groups_drawn;
  object["groups_dropped"] = state.groups_dropped;
  object["past_weights"] = Json::array();
  for (const PastWeights& past : state.past) {
    object["past_weights"].push_back(
        {{"step", past.step}, {"updates", past.updates}, {"sha256", past.sha256}});
  }
  return object.dump(2) + "\n";
}

TrainState parse_train_state(const std::string& text, const std::string& where) {
  const Json object = Json::parse(text, nullptr, false);
  if (!object.is_object())
    throw Error(ExitCode::bad_data, where + ": is no JSON object. Is the file damaged?");
  const StateReader in(object, where);
  if (in.text("schema") != kSchema) {
    in.fail("schema is " + in_quotes(in.text("schema")) + " (need \"" + kSchema + "\")");
  }
  TrainState state;
  state.stage = in.text("stage");
  state.step = in.steps("step");
  state.stage_done = in.truth("stage_done");
  state.updates = in.steps("updates");
  state.cursor.number = in.count("next_problem");
  state.weights_sha256 = in.text("weights_sha256");
  state.guards = in.text("guards");
  state.stage_seconds = in.number("stage_seconds");
  state.summary = in.text("summary");
  state.metrics_bytes = in.count("metrics_bytes");
  state.metrics_sha256 = in.text("metrics_sha256");
  state.chain_bytes = in.count("chain_bytes");
  state.chain_link = in.text("chain_link");
  state.recipe_sha256 = in.text("recipe_sha256");
  state.fingerprint = in.text("fingerprint");
  const std::uint64_t ranks = in.count("world_size");
  if (ranks < 1 || ranks > 1'000'000) in.fail("\"world_size\" is " + std::to_string(ranks));
  state.world_size = static_cast<int>(ranks);
  const Json& pending = in.at("pending_groups");
  if (!pending.is_array()) in.fail("\"pending_groups\" is no list");
  for (const Json& group : pending) {
    if (!group.is_number_unsigned()) in.fail("\"pending_groups\" holds what is no group's number");
    state.pending_groups.push_back(group.get<std::uint64_t>());
  }
  if (!object.contains("groups_drawn")) return state;  // written before there was asynchrony
  state.groups_drawn = in.count("groups_drawn");
  state.groups_dropped = in.count("groups_dropped");
  if (!in.at("past_weights").is_array()) in.fail("\"past_weights\" is no list");
  for (const Json& entry : in.at("past_weights")) {
    if (!entry.is_object()) in.fail("\"past_weights\" holds what is no object");
    const StateReader past(entry, where);
    state.past.push_back({past.steps("step"), past.steps("updates"), past.text("sha256")});
  }
  return state;
}

}  // namespace reckon
