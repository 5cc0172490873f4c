#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "grpo_stage.h"
#include "run.h"
#include "sft_stage.h"

namespace reckon {

inline constexpr const char* kChainFile = "chain.jsonl";
inline constexpr const char* kLineageFile = "lineage.json";

/// What a run is made of: the first event of its chain. The same whatever machine, rank count or folder.
[[nodiscard]] ChainEvent run_event(const TrainRun& run);

/// The lineage of a run before its first event.
[[nodiscard]] Lineage first_lineage(const TrainRun& run);
/// What an event adds to it. \param link  that the event made in the chain
void note_event(Lineage& lineage, const ChainEvent& event, const std::string& link);

/// Adds an event to the chain and to the lineage, on rank 0.
void record(TrainRun& run, const ChainEvent& event);
void record_stage_start(TrainRun& run, const StageConfig& stage, const std::string& weights_sha256);
void record_stage_end(TrainRun& run, const StageConfig& stage, const StageOutcome& outcome);
[[nodiscard]] ChainEvent eval_event(const StageConfig& stage, const std::string& task,
                                    const TaskResult& result);

/// An update: from which weights, on what, to which weights.
struct StepRecord {
  std::string weights_before, weights_after;
  double loss = 0, grad_norm = 0;
  std::int64_t skipped_updates = 0;            ///< by a guard
  std::optional<std::int64_t> rolled_back_to;  ///< the step whose checkpoint a guard went back to
};
[[nodiscard]] ChainEvent sft_event(const StageConfig& stage, const SftStep& step, const StepRecord& record);
/// \param group_hashes  group_sha256() of all groups of the step, in order
[[nodiscard]] ChainEvent grpo_event(const StageConfig& stage, const GrpoStep& step,
                                    const std::vector<std::string>& group_hashes, const StepRecord& record);

/// group_sha256() of all groups of a step, in order, on every rank. Collective.
[[nodiscard]] std::vector<std::string> all_group_hashes(TrainRun& run, const GrpoStep& step);

/// lineage.json: where the weights of a stage, or of the whole run (""), come from.
[[nodiscard]] std::string lineage_text(const TrainRun& run, const std::string& stage);

}  // namespace reckon
