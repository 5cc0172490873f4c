#include "plan_inputs.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "app/display.h"
#include "calibrate.h"
#include "plan_lengths.h"
#include "reckon/base/error.h"
#include "reckon/base/memory_limit.h"
#include "reckon/base/memory_use.h"
#include "reckon/grade/answer_form.h"
#include "reckon/model/pretrained.h"
#include "reckon/text/text_folder.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

std::int64_t cores() {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/// Tasks whose files are there.
std::vector<RecipeTask> make_known_tasks(PlanInputs& inputs) {
  std::vector<RecipeTask> tasks;
  for (const TaskConfig& config : inputs.recipe.task) {
    try {
      tasks.push_back({config, make_task(config, inputs.recipe.answer)});
    } catch (const Error& error) {
      if (error.code() != ExitCode::missing_input) throw;
      inputs.notes.push_back("task \"" + config.name + "\" is not here: " + error.what());
    }
  }
  return tasks;
}

/// The model and how it reads text; no text where its folder is not here.
std::optional<PromptFormat> read_model(PlanInputs& inputs, const std::vector<RecipeTask>& tasks) {
  const Recipe& recipe = inputs.recipe;
  const ModelInitConfig& model = recipe.model;
  std::error_code ignored;
  if (model.path.empty()) {
    std::string alphabet = answer_characters(recipe.answer);
    for (const RecipeTask& task : tasks) alphabet += task.task->alphabet();
    const Tokenizer tokenizer = Tokenizer::character_level(alphabet);
    inputs.decoder = decoder_config_from(model, static_cast<std::int64_t>(tokenizer.vocab_size()),
                                         static_cast<std::int64_t>(tokenizer.eos_id()));
    inputs.shape = shape_of(*inputs.decoder, 0);
    return PromptFormat({.tokenizer = tokenizer, .eos_token = std::string(kEosToken)}, recipe.prompt,
                        answer_sentence(recipe.answer));
  }
  if (fs::is_directory(model.path, ignored)) {
    inputs.decoder = load_decoder_config(model.path);
    PromptFormat format(load_text_folder(model.path), recipe.prompt, answer_sentence(recipe.answer));
    inputs.shape = shape_of(
        *inputs.decoder,
        std::min(inputs.decoder->vocab_size, static_cast<std::int64_t>(format.tokenizer().vocab_size())));
    return format;
  }
  const plan::ModelShape* known = plan::find_known_model(model.path);
  if (known == nullptr) {
    throw Error(ExitCode::missing_input,
                model.path +
                    ": there is no such model folder (need one, or the name of a published model, for "
                    "example models/Qwen2.5-7B)");
  }
  inputs.shape = *known;
  inputs.notes.push_back(model.path + " is not here: the shape is that of " + known->name + " as published");
  return std::nullopt;
}

/// The processor's calibration needs a decoder: of a model that is not here, one of its shape.
DecoderConfig probe_model(const PlanInputs& inputs) {
  if (inputs.decoder) return *inputs.decoder;
  DecoderConfig config;
  config.vocab_size = inputs.shape.vocab_size;
  config.hidden_size = inputs.shape.hidden_size;
  config.intermediate_size = inputs.shape.intermediate_size;
  config.num_hidden_layers = inputs.shape.num_hidden_layers;
  config.num_attention_heads = inputs.shape.num_attention_heads;
  config.num_key_value_heads = inputs.shape.num_key_value_heads;
  config.head_dim = inputs.shape.head_dim;
  config.qk_norm = inputs.shape.qk_norm;
  config.qkv_bias = inputs.shape.qkv_bias;
  return config;
}

/// The lengths that the machine is tried with: of a stage that samples, if there is one.
ProbeLengths probe_lengths(const PlanInputs& inputs) {
  const auto samples = std::ranges::find_if(
      inputs.stages, [](const PlannedStage& stage) { return stage.load.work == plan::Work::grpo; });
  const plan::StageLoad& load = (samples == inputs.stages.end() ? inputs.stages.front() : *samples).load;
  ProbeLengths lengths;
  lengths.prompt = static_cast<std::int64_t>(std::lround(load.mean_prompt));
  lengths.completion = static_cast<std::int64_t>(std::lround(
      load.work == plan::Work::sft ? load.mean_example - load.mean_prompt : load.completions.mean()));
  lengths.leaf_sequences = load.leaf_sequences;
  lengths.group_size = load.work == plan::Work::sft ? 1 : load.group_size;
  return lengths;
}

void slow_down(plan::Rates& rates, double factor) {
  for (double* rate : {&rates.products, &rates.bandwidth, &rates.rows, &rates.learner_rows, &rates.attention,
                       &rates.logits, &rates.optimizer, &rates.hash})
    *rate /= factor;
  rates.pass_s *= factor;
}

std::string giga(double value) {
  return fixed(value / 1e9, value < 1e10 ? 1 : 0);
}

void try_processor(PlanInputs& inputs, const PlanOptions& options) {
  const ModelInitConfig& model = inputs.recipe.model;
  const Precision precision(model.compute_dtype, model.kv_dtype);
  const std::int64_t here = cores();
  const std::int64_t ranks = options.ranks_per_node > 0 ? options.ranks_per_node : here;
  inputs.program_mb = memory_use().own_mb;
  const MemoryLimit limit = memory_limit();
  inputs.memory_mb =
      std::min(limit.machine_mb / static_cast<double>(ranks), limit.process_mb) + inputs.program_mb;
  inputs.rates = calibrate_cpu(probe_model(inputs), inputs.shape.num_logits, precision, probe_lengths(inputs),
                               std::min(ranks, here));
  const plan::Rates& rates = inputs.rates;
  inputs.machine = "this machine's processor, " + std::to_string(here) + (here == 1 ? " core" : " cores") +
                   "; tried just now, a rank: products " + giga(rates.products) + " GFLOP/s (" +
                   std::string(enum_name(precision.compute)) + "), attention " + giga(rates.attention) +
                   ", memory " + giga(rates.bandwidth) + " GB/s, SHA-256 " + giga(rates.hash);
  if (ranks > here) {
    const double factor = static_cast<double>(ranks) / static_cast<double>(here);
    slow_down(inputs.rates, factor);
    inputs.notes.push_back(std::to_string(ranks) + " ranks share " + std::to_string(here) +
                           " cores: each is " + fixed(factor, 1) + " times as slow");
  }
  inputs.bytes = {.weight = precision.compute == ComputeDtype::bfloat16 ? 2.0 : 4.0,
                  .sent = 4,
                  .kv = precision.kv == ComputeDtype::bfloat16 ? 2.0 : 4.0};
  inputs.network = {.nodes = options.nodes,
                    .ranks_per_node = ranks,
                    .local = rates.bandwidth / 4,  // in and out of shared memory
                    .node = options.node_gbps * 1e9 / 8 * 0.9,
                    .latency_s = 20e-6};
  inputs.sharding = kCpuSharding;
}

void describe_gpu(PlanInputs& inputs, const PlanOptions& options) {
  constexpr double kContextMib = 800, kUsable = 0.95;
  const plan::Gpu& gpu = plan::find_gpu(options.gpu);
  inputs.is_gpu = true;
  inputs.rates = plan::gpu_rates(gpu, inputs.shape);
  inputs.machine =
      gpu.name + ", " + fixed(gpu.memory_gib, 0) + " GiB, by its datasheet and assumed shares: products " +
      fixed(inputs.rates.products / 1e12, 0) + " TFLOP/s, memory " + fixed(inputs.rates.bandwidth / 1e12, 2) +
      " TB/s, NVLink " + giga(gpu.nvlink * 0.67) + " GB/s; nothing of it is measured";
  inputs.memory_mb = gpu.memory_gib * 1024 * kUsable;
  inputs.program_mb = kContextMib;
  inputs.bytes = {.weight = 2, .sent = 2, .kv = 2};
  inputs.network = {.nodes = options.nodes,
                    .ranks_per_node = options.gpus_per_node,
                    .local = gpu.nvlink * 0.67,
                    .node = options.node_gbps * 1e9 / 8 * 0.9,
                    .latency_s = 20e-6};
  inputs.sharding = plan::Sharding::optimizer;  // as the learner on GPUs
}

plan::Sharding sharding_named(const std::string& name) {
  if (name == "none") return plan::Sharding::none;
  return name == "optimizer" ? plan::Sharding::optimizer : plan::Sharding::gradients;
}

}  // namespace

PlanInputs plan_inputs(const PlanOptions& options) {
  PlanInputs inputs;
  if (!options.gpu.empty()) (void)plan::find_gpu(options.gpu);  // before anything takes time
  inputs.recipe = load_recipe(options.file, options.overrides);
  const std::vector<RecipeTask> tasks = make_known_tasks(inputs);
  const std::optional<PromptFormat> prompts = read_model(inputs, tasks);
  PlanLengths lengths(options, tasks, prompts ? &*prompts : nullptr, inputs.notes);
  for (const HeldWeights& held : held_weights(inputs.recipe))
    inputs.stages.push_back(
        {held.stage, lengths.load(inputs.recipe, *held.stage), held.decoders, held.packed});
  if (options.gpu.empty()) {
    try_processor(inputs, options);
  } else {
    describe_gpu(inputs, options);
  }
  if (options.shard != "auto") inputs.sharding = sharding_named(options.shard);
  inputs.grade_s = lengths.grade_seconds();
  return inputs;
}

plan::Placement placement_of(const PlanInputs& inputs, const PlannedStage& stage, std::int64_t ranks) {
  plan::Placement placement{.workers = ranks, .learners = ranks, .split = false, .sharding = inputs.sharding};
  const ClusterConfig& cluster = inputs.recipe.cluster;
  if (cluster.mode == ClusterMode::colocated || stage.load.work != plan::Work::grpo) return placement;
  if (ranks < 2)
    throw Error(ExitCode::usage, "cluster.mode is \"split\" on one rank (need a worker and a learner)");
  const double share = cluster.rollout_share * static_cast<double>(ranks);
  placement.workers = cluster.rollout_ranks > 0 ? cluster.rollout_ranks
                                                : std::clamp<std::int64_t>(std::llround(share), 1, ranks - 1);
  placement.learners = ranks - placement.workers;
  placement.split = true;
  if (placement.learners < 1 || placement.workers < 1) {
    throw Error(ExitCode::usage, "cluster: " + std::to_string(placement.workers) + " workers of " +
                                     std::to_string(ranks) + " ranks (need a worker and a learner)");
  }
  return placement;
}

}  // namespace reckon
