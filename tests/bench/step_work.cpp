#include "step_work.h"

#include <chrono>
#include <fstream>

#include "app/train/group_exchange.h"
#include "reckon/base/error.h"
#include "reckon/base/philox.h"

namespace reckon::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kSeed = 7;
constexpr std::uint32_t kPromptStream = 0x70726F6Du;
constexpr std::uint32_t kRewardStream = 0x72657761u;
constexpr float kTemperature = 1.0f;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

GrpoConfig grpo_config(const WorkOptions& options) {
  GrpoConfig config;
  config.prompts_per_step = options.prompts;
  config.group_size = options.group;
  return config;
}

/// The groups of a step with random prompts, the same on every rank.
std::vector<Group> make_groups(const WorkOptions& options, std::int64_t vocab_size) {
  std::vector<Group> groups(static_cast<std::size_t>(options.prompts));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    groups[i].group_id = i;
    groups[i].prompt.id = i;
    RandomStream random(kSeed, kPromptStream, static_cast<std::uint32_t>(i));
    for (std::int64_t t = 0; t < options.prompt_tokens; ++t) {
      groups[i].prompt.token_ids.push_back(random.below(static_cast<std::uint32_t>(vocab_size)));
    }
  }
  return groups;
}

/// Memory of the machine that programs can take, in bytes.
double available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string word;
  while (file >> word) {
    double kibibytes = 0;
    if (word == "MemAvailable:" && file >> kibibytes) return kibibytes * 1024;
  }
  throw Error(ExitCode::environment, "/proc/meminfo: MemAvailable is not there");
}

double parameters_of(const DecoderConfig& config) {
  double total = 0;
  for (const TensorSpec& spec : decoder_tensor_specs(config)) {
    double size = 1;
    for (const std::int64_t extent : spec.shape) size *= static_cast<double>(extent);
    total += size;
  }
  return total;
}

/// Bytes that a rank holds for each parameter.
double bytes_a_parameter(const WorkOptions& options) {
  constexpr double kWeights = 4 + 4;       // and as products read them: float32, or bfloat16 twice
  constexpr double kTraining = 4 + 4 + 4;  // gradient, two moments
  return options.generate_only ? kWeights : kWeights + kTraining;
}

}  // namespace

DecoderConfig shape_config(const std::string& name) {
  DecoderConfig config;
  config.family = ModelFamily::qwen2;
  config.qk_norm = false;
  config.qkv_bias = true;
  config.tie_word_embeddings = true;
  config.max_position_embeddings = 1024;
  config.rope.theta = 1e6;
  if (name == "small") {
    config.vocab_size = 512;
    config.hidden_size = 256;
    config.intermediate_size = 768;
    config.num_hidden_layers = 4;
    config.num_attention_heads = 4;
  } else if (name == "qwen2.5-0.5b") {
    config.vocab_size = 151936;
    config.hidden_size = 896;
    config.intermediate_size = 4864;
    config.num_hidden_layers = 24;
    config.num_attention_heads = 14;
  } else {
    throw Error(ExitCode::usage, "--shape " + in_quotes(name) + " (need small or qwen2.5-0.5b)");
  }
  config.num_key_value_heads = 2;
  config.head_dim = 64;
  return config;
}

void check_options(const WorkOptions& options, int ranks) {
  const double needed = parameters_of(shape_config(options.shape)) * bytes_a_parameter(options) * ranks;
  const double available = available_memory();
  if (needed > available) {
    throw Error(ExitCode::environment,
                "--shape " + options.shape + " on " + std::to_string(ranks) + " rank(s) needs about " +
                    std::to_string(static_cast<int>(needed / 1e9)) + " GB (there are " +
                    std::to_string(static_cast<int>(available / 1e9)) + " GB free)");
  }
}

StepWork::StepWork(const WorkOptions& options, Communicator& world)
    : options_(options),
      world_(world),
      decoder_(shape_config(options.shape), Precision(options.dtype, options.kv_dtype)),
      sampler_(decoder_),
      groups_(make_groups(options, decoder_.config().vocab_size)) {
  decoder_.initialise(kSeed, decoder_.config().initializer_range);
  if (options.generate_only) return;
  learner_ = std::make_unique<CpuLearner>(
      decoder_, OptimizerConfig{}, BatchConfig{.leaf_sequences = options.group}, world, options.steps + 1);
  updater_ = std::make_unique<GrpoUpdater>(*learner_, grpo_config(options), options.new_tokens);
}

void StepWork::sample(std::int64_t step, std::vector<Group>& mine) {
  std::vector<SampleRequest> requests;
  for (const Group& group : mine) {
    for (std::int64_t i = 0; i < options_.group; ++i) {
      requests.push_back({group.prompt.token_ids,
                          {kSeed, stage_key("bench"), group.prompt.id, static_cast<std::uint32_t>(step),
                           static_cast<std::uint32_t>(i)}});
    }
  }
  std::vector<Sample> samples = sampler_.generate(
      requests,
      {.max_new_tokens = options_.new_tokens, .temperature = kTemperature, .max_batch = options_.max_batch});
  std::size_t next = 0;
  for (Group& group : mine) {
    group.completions.assign(static_cast<std::size_t>(options_.group), {});
    for (Completion& completion : group.completions) {
      completion.sample_index = static_cast<std::uint32_t>(next % static_cast<std::size_t>(options_.group));
      completion.policy_version = static_cast<std::uint64_t>(learner_->updates());
      completion.token_ids = std::move(samples[next].token_ids);
      completion.sampler_logprob = std::move(samples[next].logprob);
      completion.finish_reason = samples[next].finish_reason;
      ++next;
    }
  }
}

void StepWork::reward(std::int64_t step, std::vector<Group>& mine) const {
  for (Group& group : mine) {
    RandomStream random(kSeed, kRewardStream, static_cast<std::uint32_t>(step),
                        static_cast<std::uint32_t>(group.group_id));
    for (Completion& completion : group.completions) {
      completion.reward = static_cast<float>(random.uniform());
    }
    assign_advantages(group, AdvantageScale::group_std);
  }
}

StepTimes StepWork::run(std::int64_t step) {
  const Range range = share_of(options_.prompts, world_.rank(), world_.size());
  std::vector<Group> mine(groups_.begin() + range.begin, groups_.begin() + range.end);
  StepTimes times;
  world_.barrier();
  const Clock::time_point start = Clock::now();
  sample(step, mine);
  times.generate = seconds_since(start);
  if (!options_.generate_only) {
    reward(step, mine);
    exchange_completions(world_, mine, groups_);
    const auto version = static_cast<std::uint64_t>(learner_->updates());
    times.rows = updater_->update(groups_, kTemperature, version).sums.rows;
  }
  times.total = seconds_since(start);
  double slowest[] = {times.generate, times.total};
  world_.maximum(slowest);
  times.generate = slowest[0];
  times.total = slowest[1];
  times.update = times.total - times.generate;
  return times;
}

}  // namespace reckon::bench
