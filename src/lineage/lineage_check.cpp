#include "lineage_check.h"

#include <algorithm>
#include <map>
#include <set>

#include "reckon/base/error.h"
#include "strict_json.h"

namespace reckon {
namespace {

/// Checks one lineage and keeps the first thing that is wrong.
class Check {
 public:
  explicit Check(const Lineage& lineage) : lineage_(lineage) {}

  std::string run() {
    hash("", "recipe_sha256", lineage_.recipe_sha256);
    hash("", "head", lineage_.head);
    check_base();
    for (std::size_t i = 0; i < lineage_.data.size(); ++i) {
      check_data(lineage_.data[i], "data[" + std::to_string(i) + "]: ");
    }
    if (lineage_.stages.size() > kMaxLineageStages) {
      found("stages: " + std::to_string(lineage_.stages.size()) + " of them (need at most " +
            std::to_string(kMaxLineageStages) + ")");
    }
    weights_[std::string(kBaseModel)] = lineage_.base.weights_sha256;
    for (std::size_t i = 0; i < lineage_.stages.size(); ++i) {
      check_stage(lineage_.stages[i], "stages[" + std::to_string(i) + "]: ");
    }
    return problem_;
  }

 private:
  void found(const std::string& problem) {
    if (problem_.empty()) problem_ = problem;
  }
  void hash(const std::string& place, const char* name, const std::string& value) {
    if (is_sha256(value)) return;
    found(place + "\"" + name + "\" is " + in_quotes(value) +
          " (need a SHA-256: 64 lower-case hexadecimal digits)");
  }

  void check_base() {
    const LineageBase& base = lineage_.base;
    if (base.path.empty() == base.init.empty()) {
      found("base: \"path\" is " + in_quotes(base.path) + " and \"init\" is " + in_quotes(base.init) +
            " (need one of them)");
    }
    hash("base: ", "weights_sha256", base.weights_sha256);
    if (!base.tokenizer_sha256.empty()) hash("base: ", "tokenizer_sha256", base.tokenizer_sha256);
  }

  void check_data(const LineageData& data, const std::string& place) {
    if (!tasks_.insert(data.task).second) {
      found(place + "task " + in_quotes(data.task) + " stands twice (need each once)");
    }
    for (const LineageSource& source : data.sources) hash(place + "sources: ", "sha256", source.sha256);
  }

  void check_stage(const LineageStage& stage, const std::string& place) {
    if (weights_.contains(stage.name)) {
      found(place + "name " + in_quotes(stage.name) + " is taken (need each stage once, and none \"" +
            std::string(kBaseModel) + "\")");
    }
    hash(place, "weights_before", stage.weights_before);
    if (!stage.weights_after.empty()) hash(place, "weights_after", stage.weights_after);
    hash(place, "first_link", stage.first_link);
    hash(place, "last_link", stage.last_link);
    check_start(stage, place);
    for (const std::string& task : stage.tasks) {
      if (!tasks_.contains(task))
        found(place + "task " + in_quotes(task) + " has no \"data\" (need an entry)");
    }
    std::set<std::string> results;
    for (const LineageResult& result : stage.results) {
      if (!results.insert(result.task).second) {
        found(place + "results: task " + in_quotes(result.task) + " stands twice (need each once)");
      }
      if (!(result.pass_at_1 >= 0 && result.pass_at_1 <= 1)) {
        found(place + "results: \"pass_at_1\" is " + std::to_string(result.pass_at_1) + " (need 0 to 1)");
      }
    }
    weights_.emplace(stage.name, stage.weights_after);
  }

  void check_start(const LineageStage& stage, const std::string& place) {
    const auto from = weights_.find(stage.from);
    if (from == weights_.end()) {
      found(place + "\"from\" is " + in_quotes(stage.from) + " (need \"" + std::string(kBaseModel) +
            "\" or a stage that stands before this one)");
    } else if (from->second.empty()) {
      found(place + "\"from\" is " + in_quotes(stage.from) + " (need a stage that makes weights)");
    } else if (from->second != stage.weights_before) {
      found(place + "\"weights_before\" is " + stage.weights_before + " (need " + from->second + ", which " +
            in_quotes(stage.from) + " made)");
    }
  }

  const Lineage& lineage_;
  std::string problem_;
  std::set<std::string> tasks_;
  std::map<std::string, std::string> weights_;  ///< that stages made, by their names
};

}  // namespace

std::string lineage_problem(const Lineage& lineage) {
  return Check(lineage).run();
}

}  // namespace reckon
