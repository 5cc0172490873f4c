// `reckon plan`: memory, time and traffic of a recipe before anything is launched.
#include <CLI/CLI.hpp>
#include <memory>

#include "commands.h"
#include "json_lines.h"
#include "machine.h"
#include "plan/plan_report.h"
#include "recipe.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

void check(const PlanOptions& options) {
  const auto need = [](bool good, const std::string& what) {
    if (!good) throw Error(ExitCode::usage, what);
  };
  const auto count = [&](const char* name, std::int64_t value) {
    need(value > 0, std::string(name) + ": got " + std::to_string(value) + " (need at least 1)");
  };
  count("--nodes", options.nodes);
  count("--gpus-per-node", options.gpus_per_node);
  need(options.ranks_per_node >= 0,
       "--ranks-per-node: got " + std::to_string(options.ranks_per_node) + " (need at least 1)");
  for (const std::int64_t ranks : options.ranks) {
    need(ranks >= 2 && ranks <= 100000, "--ranks: got " + std::to_string(ranks) + " (need 2 to 100000)");
  }
  need(options.node_gbps > 0,
       "--node-gbps: got " + std::to_string(options.node_gbps) + " (need more than 0)");
  need(options.sim_steps > 4 && options.sim_steps <= 1000,
       "--sim-steps: got " + std::to_string(options.sim_steps) + " (need 5 to 1000)");
  for (const double tokens : {options.mean_tokens, options.p95_tokens, options.prompt_tokens})
    need(tokens >= 0, "--mean-tokens, --p95-tokens, --prompt-tokens: got " + std::to_string(tokens) +
                          " (need more than 0)");
  need(options.p95_tokens == 0 || options.mean_tokens > 0, "--p95-tokens: needs --mean-tokens");
}

void print_simulation(const PlanOptions& options, const PlanInputs& inputs) {
  const PlannedStage* stage = sampled_stage(inputs);
  if (stage == nullptr)
    throw Error(ExitCode::usage, options.file + ": no stage of kind \"grpo\" (need one to simulate)");
  std::vector<ScheduleRow> rows;
  for (const std::int64_t ranks : options.ranks) {
    auto more = simulate_schedules(inputs, *stage, ranks, options.ranks.front(), options.sim_steps);
    rows.insert(rows.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  if (options.json) {
    write_line(schedules_json(rows).dump(2));
    return;
  }
  write_line(plan_head(options, inputs) + "stage " + stage->load.name + ", " +
             std::to_string(options.sim_steps - 4) + " steps behind the first 4; " +
             std::to_string(stage->load.prompts) + " prompts a step in a job of " +
             std::to_string(options.ranks.front()) + " ranks, and as many a rank in the others\n");
  write_line(schedules_text(rows));
}

void print_plan(const PlanOptions& options, const PlanInputs& inputs) {
  std::vector<StagePlan> stages;
  for (const PlannedStage& stage : inputs.stages) stages.push_back(plan_stage(inputs, stage));
  std::vector<ScheduleRow> schedules;
  const std::int64_t ranks = inputs.network.ranks();
  if (const PlannedStage* stage = sampled_stage(inputs); stage != nullptr && ranks > 1)
    schedules = simulate_schedules(inputs, *stage, ranks, ranks, options.sim_steps);
  const LargestModel largest = largest_model(inputs);
  if (options.json) {
    write_line(plan_json(inputs, stages, largest, schedules).dump(2));
  } else {
    write_line(plan_text(options, inputs, stages, largest, schedules));
  }
}

void plan_recipe(const PlanOptions& options) {
  check(options);
  if (options.gpu.empty()) check_machine();
  const PlanInputs inputs = plan_inputs(options);
  if (options.simulate) {
    print_simulation(options, inputs);
  } else {
    print_plan(options, inputs);
  }
  flush_output();
}

}  // namespace

void add_plan_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("plan", "memory, time and traffic of a recipe before anything is launched");
  const auto options = std::make_shared<PlanOptions>();
  add_recipe_arguments(*command, options->file, options->overrides);
  command->add_option("--nodes", options->nodes, "machines of the job")->default_str("1");
  CLI::Option* gpu = command->add_option(
      "--gpu", options->gpu, "a100, h100, h200 or b200; else the processors of machines like this one");
  command->add_option("--gpus-per-node", options->gpus_per_node, "ranks of a machine with GPUs, one each")
      ->default_str("8")
      ->needs(gpu);
  command
      ->add_option("--ranks-per-node", options->ranks_per_node,
                   "ranks of a machine without; its cores where not given")
      ->excludes(gpu);
  command->add_option("--node-gbps", options->node_gbps, "Gb/s from a node to another, all links together")
      ->default_str("400");
  command
      ->add_option("--shard", options->shard,
                   "what is spread over the learners; auto: what reckon train does")
      ->transform(CLI::IsMember({"auto", "none", "optimizer", "gradients"}));
  command->add_option("--prompt-tokens", options->prompt_tokens, "length of prompts");
  CLI::Option* mean =
      command->add_option("--mean-tokens", options->mean_tokens, "mean length of completions");
  command->add_option("--p95-tokens", options->p95_tokens,
                      "their 95th percentile; twice the mean where not given");
  command->add_option("--from-run", options->from_run, "folder of a run whose rollout log has the lengths")
      ->excludes(mean);
  CLI::Option* simulate =
      command->add_flag("--simulate", options->simulate, "play schedules of jobs of many ranks");
  command->add_option("--ranks", options->ranks, "of the jobs that are played")
      ->delimiter(',')
      ->default_str("16,128,1024,10000")
      ->needs(simulate);
  command->add_option("--sim-steps", options->sim_steps, "steps that are played, the first four not counted")
      ->default_str("12");
  command->add_flag("--json", options->json, "one JSON object, or with --simulate a list");
  command->callback([options] { plan_recipe(*options); });
}

}  // namespace reckon
