#include "stage_loads.h"

#include <algorithm>
#include <map>

#include "reckon/eval/evaluate.h"

namespace reckon {
namespace {

plan::Work work_of(StageKind kind) {
  if (kind == StageKind::sft) return plan::Work::sft;
  return kind == StageKind::eval ? plan::Work::eval : plan::Work::grpo;
}

}  // namespace

ProblemLengths measure_problems(const std::vector<const RecipeTask*>& tasks, const PromptFormat& prompts,
                                std::uint64_t seed) {
  constexpr std::uint64_t kLookedAt = 8;
  ProblemLengths lengths;
  double tokens = 0, squares = 0, prompt_tokens = 0, examples = 0;
  for (const RecipeTask* task : tasks) {
    for (const Split split : {Split::train, Split::held_out}) {
      if (!task->task->has_problems(split)) continue;
      for (const std::int64_t level : task->config.levels) {
        for (std::uint64_t index = 0; index < kLookedAt; ++index) {
          const Problem problem = task->task->problem(level, split, seed, index);
          const Prompt prompt = prompt_of(problem, prompts);
          const auto length = static_cast<double>(prompt.token_ids.size());
          const std::string trace = completion_behind(prompt.text, problem.trace);
          const double solution = 1 + static_cast<double>(prompts.tokenizer().encode(trace).size());
          lengths.longest_prompt = std::max(lengths.longest_prompt, length);
          lengths.longest_example = std::max(lengths.longest_example, length + solution);
          if (!problem.trace.empty()) lengths.solutions.push_back(solution);
          tokens += length + solution;
          squares += (length + solution) * (length + solution);
          prompt_tokens += length;
          examples += 1;
        }
      }
    }
  }
  if (examples > 0) {
    lengths.mean_example = tokens / examples;
    lengths.mean_square_example = squares / examples;
    lengths.mean_prompt = prompt_tokens / examples;
  }
  return lengths;
}

plan::ModelShape shape_of(const DecoderConfig& config, std::int64_t num_logits) {
  plan::ModelShape shape;
  shape.vocab_size = config.vocab_size;
  shape.hidden_size = config.hidden_size;
  shape.intermediate_size = config.intermediate_size;
  shape.num_hidden_layers = config.num_hidden_layers;
  shape.num_attention_heads = config.num_attention_heads;
  shape.num_key_value_heads = config.num_key_value_heads;
  shape.head_dim = config.head_dim;
  shape.tie_word_embeddings = config.tie_word_embeddings;
  shape.qk_norm = config.qk_norm;
  shape.qkv_bias = config.qkv_bias;
  const std::int64_t biases = (config.out_bias ? config.hidden_size : 0) +
                              (config.mlp_bias ? 2 * config.intermediate_size + config.hidden_size : 0);
  shape.other_parameters = config.num_hidden_layers * biases;
  shape.num_logits = num_logits;
  return shape;
}

plan::StageLoad load_of(const StageConfig& stage, const ProblemLengths& lengths, std::size_t num_tasks) {
  plan::StageLoad load;
  load.name = stage.name;
  load.work = work_of(stage.kind);
  load.rounds = static_cast<double>(stage.steps);
  load.prompts = stage.grpo.prompts_per_step;
  load.group_size = stage.grpo.group_size;
  load.updates_per_step = stage.kind == StageKind::grpo ? stage.grpo.updates_per_step : 1;
  if (stage.kind == StageKind::eval) {
    load.prompts = stage.eval.eval_prompts;
    load.group_size = stage.eval.eval_samples;
    const auto samples = static_cast<double>(stage.eval.eval_samples);
    load.rounds = static_cast<double>(num_tasks) * (samples + 1) / samples;
  }
  load.tokens_per_step = stage.sft.tokens_per_step;
  load.max_new_tokens = stage.sampling.max_new_tokens;
  load.max_batch = stage.sampling.max_batch;
  load.kv_budget_mib = stage.sampling.kv_budget_mib;
  load.leaf_sequences = stage.batch.leaf_sequences;
  load.micro_batch_leaves = stage.batch.micro_batch_leaves;
  load.recompute = stage.batch.recompute;
  load.has_reference = stage.kind == StageKind::grpo && stage.grpo.loss.kl_coef != 0;
  load.compares_all = stage.grpo.exactness == Exactness::all;
  load.mean_prompt = lengths.mean_prompt;
  load.longest_prompt = lengths.longest_prompt;
  load.mean_example = lengths.mean_example;
  load.longest_example = lengths.longest_example;
  load.mean_square_example = lengths.mean_square_example;
  load.completions = plan::Lengths::constant(static_cast<double>(stage.sampling.max_new_tokens));
  return load;
}

std::vector<HeldWeights> held_weights(const Recipe& recipe) {
  const std::vector<std::size_t> order = run_order(recipe);
  const auto is_needed_after = [&](std::size_t position, const std::string& name) {
    return std::any_of(order.begin() + static_cast<std::ptrdiff_t>(position) + 1, order.end(),
                       [&](std::size_t index) { return recipe.stage[index].from == name; });
  };
  std::vector<HeldWeights> stages;
  std::map<std::string, bool> held = {{"model", false}};  // name, packed
  for (std::size_t i = 0; i < order.size(); ++i) {
    const StageConfig& stage = recipe.stage[order[i]];
    const bool trains = stage.kind != StageKind::eval;
    const bool stays = is_needed_after(i, stage.from);
    if (trains) {
      if (!stays) held.erase(stage.from);
      held[stage.name] = true;
    } else {
      held[stage.from] = true;
    }
    const auto packed = std::ranges::count_if(held, [](const auto& one) { return one.second; });
    stages.push_back({&stage, static_cast<double>(held.size()), static_cast<double>(packed)});
    if (!stays) held.erase(stage.from);
    if (trains && !is_needed_after(i, stage.name)) held.erase(stage.name);
  }
  return stages;
}

}  // namespace reckon
