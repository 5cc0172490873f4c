#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plan_options.h"
#include "stage_plan.h"

namespace reckon {

/// A plan for people: tables with a column for each stage.
[[nodiscard]] std::string plan_text(const PlanOptions& options, const PlanInputs& inputs,
                                    const std::vector<StagePlan>& stages, const LargestModel& largest,
                                    const std::vector<ScheduleRow>& schedules);
[[nodiscard]] nlohmann::ordered_json plan_json(const PlanInputs& inputs, const std::vector<StagePlan>& stages,
                                               const LargestModel& largest,
                                               const std::vector<ScheduleRow>& schedules);

/// The schedules as a table.
[[nodiscard]] std::string schedules_text(const std::vector<ScheduleRow>& rows);
[[nodiscard]] nlohmann::ordered_json schedules_json(const std::vector<ScheduleRow>& rows);
/// What every plan says first: the job, the model, the machine, what is assumed.
[[nodiscard]] std::string plan_head(const PlanOptions& options, const PlanInputs& inputs);

}  // namespace reckon
