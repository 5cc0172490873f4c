// The forecast of a run's memory against what sampler and learner take, and what is refused.
#include "app/train/memory_forecast.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "app/train/memory_check.h"
#include "reckon/base/memory_use.h"
#include "reckon/learn/cpu_learner.h"
#include "reckon/learn/sft.h"
#include "reckon/rollout/sampler.h"
#include "support/paths.h"

namespace reckon {
namespace {

using ::testing::HasSubstr;
using Ids = std::vector<std::uint32_t>;

/// A recipe with these stages. A layer has 4 H^2 + 3 H I = 10 H^2 weights.
Recipe recipe_with(const std::string& stages) {
  return parse_recipe(R"(
[run]
name = "x"
[model]
hidden_size = 256
intermediate_size = 512
num_hidden_layers = 4
num_attention_heads = 4
num_key_value_heads = 4
head_dim = 64
max_position_embeddings = 256
[[task]]
name = "chains"
kind = "arithmetic"
)" + stages,
                      "x.toml", {});
}

constexpr const char* kSft = R"([[stage]]
name = "sft"
kind = "sft"
from = "model"
steps = 1
tokens_per_step = 4096
leaf_sequences = 16
)";

MemoryFacts facts_of(const Recipe& recipe, std::int64_t vocab = 1024) {
  MemoryFacts facts;
  facts.model = decoder_config_from(recipe.model, vocab, 0);
  facts.num_logits = vocab;
  facts.lengths.longest_prompt = 32;
  facts.lengths.longest_example = 64;
  facts.lengths.mean_example = 32;
  return facts;
}

std::map<std::string, double> parts_of(const MemoryForecast& forecast) {
  std::map<std::string, double> parts;
  for (const plan::MemoryPart& part : forecast.parts) parts[part.name] = part.mb;
  return parts;
}

// 4 layers of 10 * 65,536 weights and an embedding of 262,144, all float32: 11 MiB. Norms are 9 KiB.
TEST(MemoryForecast, CountsWeightsByHand) {
  const Recipe recipe = recipe_with(kSft);
  MemoryFacts facts = facts_of(recipe);
  facts.program_mb = 100;
  const MemoryForecast forecast = forecast_memory(recipe, facts);
  EXPECT_EQ(forecast.stage, "sft");
  auto parts = parts_of(forecast);
  EXPECT_EQ(parts["program"], 100);
  EXPECT_NEAR(parts["weights"], 11, 0.02);
  EXPECT_NEAR(parts["packed weights"], 11, 1e-9);
  EXPECT_NEAR(parts["optimizer"], 22, 0.04);
  // 128 examples of 32 tokens are 8 leaves: a node of 4, of 2 and of 1, and the leaf that is computed.
  EXPECT_NEAR(parts["gradients"], 4 * 11, 0.08);
  EXPECT_FALSE(parts.contains("keys and values"));
  EXPECT_EQ(forecast.parts.front().name, "program") << "the largest first";
  facts.copies_for_checkpoints = true;
  facts.ranks = 2;  // half of the optimizer each, and 4 leaves: a gradient less
  parts = parts_of(forecast_memory(recipe, facts));
  EXPECT_NEAR(parts["optimizer"], 11, 0.04);
  EXPECT_NEAR(parts["checkpoint"], 22, 0.04);
  EXPECT_NEAR(parts["gradients"], 3 * 11, 0.08);
}

TEST(MemoryForecast, CountsWeightsThatLaterStagesNeed) {
  const auto weights = [](const std::string& stages) {
    const Recipe recipe = recipe_with(stages);
    auto parts = parts_of(forecast_memory(recipe, facts_of(recipe)));
    return std::pair{parts["weights"], parts["packed weights"]};
  };
  const std::string second = R"([[stage]]
name = "again"
kind = "sft"
from = "model"
steps = 1
tokens_per_step = 4096
)";
  const auto [alone, alone_packed] = weights(kSft);
  const auto [both, both_packed] = weights(kSft + second);
  EXPECT_NEAR(both, 2 * alone, 1e-6) << "the initial weights are kept for the second stage";
  EXPECT_NEAR(both_packed, alone_packed, 1e-6) << "nothing is computed with them";
  const std::string chain = R"([[stage]]
name = "again"
kind = "sft"
from = "sft"
steps = 1
tokens_per_step = 4096
)";
  EXPECT_NEAR(weights(kSft + chain).first, alone, 1e-6);
}

// The oracle is the resident memory of a learner and a sampler at their largest batch.
TEST(MemoryForecast, IsNearWhatLearnerAndSamplerTake) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "AddressSanitizer keeps what was freed";
#endif
  const Recipe recipe = recipe_with(R"([[stage]]
name = "rl"
kind = "grpo"
from = "model"
steps = 1
prompts_per_step = 8
group_size = 8
max_new_tokens = 64
leaf_sequences = 16
micro_batch_leaves = 2
kl_coef = 0.1
)");
  MemoryFacts facts = facts_of(recipe);
  facts.program_mb = memory_use().own_mb;
  const MemoryForecast forecast = forecast_memory(recipe, facts);
  const StageConfig& stage = recipe.stage.front();
  Decoder decoder(facts.model);
  decoder.initialise(1, 0.02);
  const auto copy = [&] {
    auto reference = std::make_unique<Decoder>(facts.model);
    reference->initialise(1, 0.02);
    return reference;
  };
  const auto world = make_serial_communicator();
  CpuLearner learner(decoder, stage.optimizer, stage.batch, *world, 1, copy());
  Sampler sampler(decoder);
  std::vector<Ids> prompts;
  std::vector<SampleRequest> requests;
  for (std::uint32_t p = 0; p < 8; ++p) prompts.emplace_back(32, p + 1);
  for (std::uint32_t i = 0; i < 64; ++i)
    requests.push_back({prompts[i / 8], {.seed = 1, .prompt_id = i / 8, .sample_index = i % 8}});
  SampleOptions options{.max_new_tokens = 64};
  std::vector<Sample> samples = sampler.generate(requests, options);
  std::vector<TrainSequence> sequences;
  std::vector<SequenceTerms> terms;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i].token_ids.resize(64, 5);  // some ended early
    samples[i].logprob.resize(64, -1.0f);
    sequences.push_back({prompts[i / 8], samples[i].token_ids});
    terms.push_back(
        {.sampler_logprob = samples[i].logprob, .advantage = i % 2 == 0 ? 1.0f : -1.0f, .weight = 0.001});
  }
  (void)learner.update(sequences, {.config = stage.grpo.loss, .terms = terms}, 1.0f, {});
  const double taken = memory_use().own_mb - facts.program_mb;
  const double expected = forecast.total_mb() - facts.program_mb;
  EXPECT_GT(expected, 100);
  EXPECT_LT(std::abs(expected / taken - 1), 0.25)
      << "forecast " << expected << ", taken " << taken << ": " << parts_text(forecast);
}

MemoryForecast sample_forecast() {
  return {.stage = "rl-1",
          .parts = {{"keys and values", 600, "lower max_batch or kv_budget_mib"},
                    {"optimizer", 200, ""},
                    {"weights", 100, ""},
                    {"program", 90, ""},
                    {"activations", 8, "lower micro_batch_leaves"},
                    {"sampling", 2, ""}}};
}

TEST(MemoryProblem, SaysWhatTakesHowMuchAndWhatHelps) {
  MachineMemory machine{.limit = {.machine_mb = 1819,
                                  .source = "MemAvailable",
                                  .process_mb = std::numeric_limits<double>::infinity()},
                        .ranks_here = 2,
                        .program_mb = 90};
  EXPECT_EQ(
      memory_problem(sample_forecast(), machine),
      "memory: stage \"rl-1\" needs 1000 MiB a rank: keys and values 600, optimizer 200, weights 100, "
      "program 90. 2 ranks on this machine will take 1820 MiB more (need at most 1819: MemAvailable). What "
      "helps: keys and values: lower max_batch or kv_budget_mib. So do fewer ranks on this machine. "
      "guard.on_memory = \"warn\" goes on all the same.");
  machine.limit.machine_mb = 1820;
  EXPECT_EQ(memory_problem(sample_forecast(), machine), "");
  machine.limit.process_mb = 900;
  EXPECT_THAT(
      memory_problem(sample_forecast(), machine),
      HasSubstr("It will take 910 MiB more (need at most 900: the limit of its address space, ulimit -v)."));
}

class ForecastRun : public ::testing::Test {
 protected:
  testing::TempDir folder;
  [[nodiscard]] testing::CommandResult train(const std::string& text) const {
    testing::write_text(folder.path() / "x.toml", text);
    return testing::run_command((testing::binary_dir() / "bin" / "reckon").string() + " train " +
                                (folder.path() / "x.toml").string() + " --out " +
                                (folder.path() / "run").string());
  }
};

constexpr const char* kHuge = R"(
[run]
name = "x"
[model]
hidden_size = 65536
intermediate_size = 262144
num_hidden_layers = 200
[[task]]
name = "chains"
kind = "arithmetic"
)";

TEST_F(ForecastRun, IsRefusedBeforeThereIsAnything) {
  const auto result = train(kHuge + std::string(kSft));
  EXPECT_EQ(result.exit_code, 78) << result.output;
  EXPECT_THAT(result.output, HasSubstr("memory: stage \"sft\" needs "));
  EXPECT_THAT(result.output, HasSubstr(" MiB a rank: gradients "));
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "run"));
}

}  // namespace
}  // namespace reckon
