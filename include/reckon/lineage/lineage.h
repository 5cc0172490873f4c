#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// What stages start from where it is no other stage: the weights that the run began with.
inline constexpr std::string_view kBaseModel = "model";
/// Most models that may stand behind each other, each trained from the one before.
inline constexpr int kMaxLineageParents = 64;
/// Most stages of a run.
inline constexpr std::size_t kMaxLineageStages = 1000;

/// Where a run's first weights come from: one of `path` and `init` is empty.
struct LineageBase {
  std::string path;              ///< the model folder that the recipe names
  std::string init;              ///< what random weights were made, in words: "qwen3, seed 7"
  std::string weights_sha256;    ///< as Decoder::sha256() gives it
  std::string tokenizer_sha256;  ///< of tokenizer.json; empty where there is none
  bool operator==(const LineageBase&) const = default;
};

struct LineageSource {
  std::string file;  ///< its name, without folders
  std::string sha256;
  bool operator==(const LineageSource&) const = default;
};

/// What a task's problems come from.
struct LineageData {
  std::string task;
  std::string kind;
  std::vector<LineageSource> sources;  ///< empty: the program generates them
  bool operator==(const LineageData&) const = default;
};

struct LineageResult {
  std::string task;
  double pass_at_1 = 0;  ///< 0 .. 1
  std::uint64_t n = 0;   ///< problems
  bool operator==(const LineageResult&) const = default;
};

/// A stage and the weights that it made of those it started from.
struct LineageStage {
  std::string name;
  std::string kind;
  std::string from;  ///< an earlier stage, or kBaseModel
  std::uint64_t steps = 0;
  std::string weights_before;  ///< those that `from` made
  std::string weights_after;   ///< empty for a stage that makes none, as an evaluation
  std::string first_link;      ///< of the stage's lines in chain.jsonl
  std::string last_link;
  std::vector<std::string> tasks;
  std::vector<LineageResult> results;  ///< of its evaluations
  bool operator==(const LineageStage&) const = default;
};

/// How weights came to be: the chain from base weights and data through the stages of a run. It is kept as
/// `lineage.json` in the folder of the run and of each model that the run writes.
struct Lineage {
  std::string run;
  std::string program;        ///< version text: "reckon 0.1.0"
  std::string recipe_sha256;  ///< of the run's recipe.toml
  LineageBase base;
  std::vector<LineageData> data;
  std::vector<LineageStage> stages;       ///< in the order in which they ran
  std::string head;                       ///< last link of chain.jsonl
  std::shared_ptr<const Lineage> parent;  ///< of the base model, where its folder held a lineage.json
};

/// As JSON, schema "reckon.lineage/1" (docs/lineage.md). \throws Error(internal) where parse_lineage would
/// not read it.
[[nodiscard]] std::string lineage_json(const Lineage& lineage);

/// \param where  names the file in messages
/// \throws Error(bad_data) at the first thing that is wrong: no JSON, another schema, a member that is
/// missing, unknown or of another type, a stage that starts from none before it or from other weights than
/// that one made, a task without data, too many
/// parents or stages.
[[nodiscard]] Lineage parse_lineage(const std::string& text, const std::string& where);

/// Only what led to a stage: it and those it starts from, their evaluations, and the data of these.
/// \throws Error(internal) where there is no such stage.
[[nodiscard]] Lineage lineage_up_to(const Lineage& lineage, std::string_view stage);

/// As text for a terminal, in UTF-8: a tree in which each stage stands below the one it starts from and has
/// its evaluations beside it; parents come first. SHA-256s are cut to 12 digits.
/// \param width  columns; longer lines are broken between words
[[nodiscard]] std::string lineage_tree(const Lineage& lineage, std::size_t width);

}  // namespace reckon
