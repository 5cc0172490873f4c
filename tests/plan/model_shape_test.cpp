// Sizes of models and memory against numbers worked out by hand.
#include "reckon/plan/model_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "reckon/base/error.h"
#include "reckon/plan/machine.h"
#include "reckon/plan/memory.h"

namespace reckon::plan {
namespace {

using ::testing::HasSubstr;

constexpr double kMib = 1 << 20;

const ModelShape& known(const char* name) {
  const ModelShape* found = find_known_model(name);
  if (found == nullptr) throw std::runtime_error(name);
  return *found;
}

// As the models' cards and safetensors indices have them. Qwen2.5-7B by hand: two embeddings 152064 * 3584 =
// 544,997,376 each; 28 layers of 3584 * (3584 + 2 * 512) + 4,608 + 3584 * 3584 + 3 * 3584 * 18944 + 2 * 3584
// = 233,057,792; a norm of 3,584.
TEST(ModelShape, CountsParametersOfPublishedModels) {
  EXPECT_EQ(known("Qwen2.5-7B").parameters(), 2 * 544'997'376.0 + 28 * 233'057'792.0 + 3584);
  EXPECT_EQ(known("Qwen2.5-7B").parameters(), 7'615'616'512.0);
  EXPECT_EQ(known("Qwen2.5-0.5B").parameters(), 494'032'768.0);
  EXPECT_EQ(known("Qwen2.5-1.5B").parameters(), 1'543'714'304.0);
  EXPECT_EQ(known("Qwen2.5-32B").parameters(), 32'763'876'352.0);
  EXPECT_EQ(known("Qwen3-0.6B").parameters(), 596'049'920.0);
  EXPECT_EQ(known("Qwen3-8B").parameters(), 8'190'735'360.0);
  EXPECT_EQ(known("Llama-3.1-8B").parameters(), 8'030'261'248.0);
  EXPECT_EQ(known("Llama-3.2-1B").parameters(), 1'235'814'400.0);
}

TEST(ModelShape, AreKnownByTheirFolders) {
  EXPECT_EQ(find_known_model("/data/models/Qwen2.5-0.5B-Instruct/"), find_known_model("Qwen2.5-0.5B"));
  EXPECT_EQ(find_known_model("models/Qwen2.5-Math-1.5B"), find_known_model("Qwen2.5-1.5B"));
  EXPECT_EQ(find_known_model("models/Qwen2.5-8B"), nullptr);
}

TEST(ModelShape, ComesInOrderOfSize) {
  double before = 0;
  for (const ModelShape& model : known_models()) {
    EXPECT_GT(model.parameters(), before) << model.name;
    before = model.parameters();
  }
}

TEST(ModelShape, ScalesInWidthAndDepth) {
  const ModelShape twice = scaled(known("Qwen2.5-7B"), 2);
  EXPECT_EQ(twice.hidden_size, 7168);
  EXPECT_EQ(twice.num_hidden_layers, 56);
  EXPECT_EQ(twice.num_attention_heads, 56);
  EXPECT_EQ(twice.head_dim, 128);
  EXPECT_EQ(scaled(known("Qwen2.5-7B"), 1).parameters(), known("Qwen2.5-7B").parameters());
  EXPECT_EQ(scaled(known("Qwen2.5-7B"), 1e-6).num_hidden_layers, 1);
}

std::map<std::string, double> by_name(const std::vector<MemoryPart>& parts) {
  std::map<std::string, double> out;
  for (const MemoryPart& part : parts) out[part.name] = part.mb;
  return out;
}

StageLoad rl_load() {
  StageLoad load;
  load.work = Work::grpo;
  load.prompts = 32;
  load.group_size = 16;
  load.max_new_tokens = 4096;
  load.max_batch = 64;
  load.longest_prompt = 256;
  return load;
}

// bfloat16 weights 2, float32 master weights 4, gradients 4, moments 8: 18 bytes a parameter.
TEST(Memory, TakesEighteenBytesAParameterOnAGpu) {
  const ModelShape& model = known("Qwen2.5-7B");
  const MemoryTarget target{.is_gpu = true, .kv_bytes = 2};
  const auto bytes = [&](const Placement& placement) {
    auto parts = by_name(stage_memory(model, rl_load(), placement, Role::both, target));
    const double mb = parts["weights"] + parts["master weights"] + parts["gradients"] + parts["optimizer"];
    return mb * kMib / model.parameters();
  };
  EXPECT_NEAR(bytes({}), 18, 1e-9);
  Placement eight{.workers = 8, .learners = 8};
  EXPECT_NEAR(bytes(eight), 18, 1e-9);
  eight.sharding = Sharding::optimizer;
  EXPECT_NEAR(bytes(eight), 6 + 12 / 8.0, 1e-9);
  eight.sharding = Sharding::gradients;
  EXPECT_NEAR(bytes(eight), 2 + 16 / 8.0, 1e-9);
}

// 2 * 28 layers * 512 * 2 bytes = 57,344 bytes a token. 64 sequences of 4,096 tokens share 4 + 2 open prompts
// of 256, and lose half a block of sixteen in each of 2 * 64 + 6 pieces.
TEST(Memory, CountsKeysAndValues) {
  const MemoryTarget target{.is_gpu = true, .kv_bytes = 2};
  StageLoad load = rl_load();
  auto parts = by_name(stage_memory(known("Qwen2.5-7B"), load, {}, Role::both, target));
  const double tokens = 64 * 4096 + 6 * 256 + (2 * 64 + 6) * 8;
  EXPECT_NEAR(parts["keys and values"] * kMib, 57344 * tokens, 1);
  load.kv_budget_mib = 1000;
  parts = by_name(stage_memory(known("Qwen2.5-7B"), load, {}, Role::both, target));
  EXPECT_EQ(parts["keys and values"], 1000);
}

// A worker has no optimizer but a second set of weights, for those that come; a learner has no cache.
TEST(Memory, KnowsRoles) {
  const MemoryTarget target{.is_gpu = true, .kv_bytes = 2, .program_mb = 800};
  const Placement split{.workers = 6, .learners = 2, .split = true};
  const ModelShape& model = known("Qwen2.5-1.5B");
  const auto worker = by_name(stage_memory(model, rl_load(), split, Role::worker, target));
  EXPECT_NEAR(worker.at("weights") * kMib, 2 * model.parameters(), 1);
  EXPECT_NEAR(worker.at("weights to come") * kMib, 2 * model.parameters(), 1);
  EXPECT_FALSE(worker.contains("optimizer") || worker.contains("activations"));
  const auto learner = by_name(stage_memory(model, rl_load(), split, Role::learner, target));
  EXPECT_FALSE(learner.contains("keys and values") || learner.contains("weights to come"));
  EXPECT_EQ(learner.at("program"), 800);
  EXPECT_NEAR(host_memory_mb(model, split, {.is_gpu = true, .copies_for_checkpoints = true}) * kMib,
              4 * model.parameters() * (1 + 1 + 2 / 2.0), 1);
}

TEST(Memory, GrowsWithWhatAsksForIt) {
  const MemoryTarget target{.is_gpu = false};
  const ModelShape& model = known("Qwen3-0.6B");
  const StageLoad load = rl_load();
  const double base = total_mb(stage_memory(model, load, {}, Role::both, target));
  for (auto setting : {&StageLoad::max_batch, &StageLoad::micro_batch_leaves, &StageLoad::max_new_tokens}) {
    StageLoad more = load;
    more.*setting *= 2;
    EXPECT_GT(total_mb(stage_memory(model, more, {}, Role::both, target)), base);
  }
  StageLoad again = load;
  again.recompute = true;
  EXPECT_LT(total_mb(stage_memory(model, again, {}, Role::both, target)), base);
  again.recompute = false;
  again.has_reference = true;
  EXPECT_GT(total_mb(stage_memory(model, again, {}, Role::both, target)),
            base + 4 * model.parameters() / kMib);
}

TEST(Gpu, NamesTheNearestOne) {
  EXPECT_EQ(find_gpu("h200").bf16_flops, 989e12);
  const auto message = [](const char* name) -> std::string {
    try {
      (void)find_gpu(name);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message("h20"),
            "--gpu: \"h20\" is not known (need one of a100, h100, h200, b200). Did you mean \"h200\"?");
  EXPECT_THAT(message("v5e"), HasSubstr("need one of a100, h100, h200, b200)."));
}

// A ring of four sends 3/4 of the bytes twice; one that leaves the node goes at the node's pace.
TEST(Network, SumsInARing) {
  const Network network{.nodes = 2, .ranks_per_node = 4, .local = 100, .node = 10, .latency_s = 0.5};
  EXPECT_EQ(network.all_reduce_s(1000, 1), 0);
  EXPECT_NEAR(network.all_reduce_s(1000, 4), 2 * 1000 * 0.75 / 100 + 2 * 2 * 0.5, 1e-9);
  EXPECT_NEAR(network.all_reduce_s(1000, 8), 2 * 1000 * 0.875 / 10 + 2 * 3 * 0.5, 1e-9);
}

// 640 MB in ten buckets of 64 MB at 1 GB/s: 64 ms each; the last node of n waits n - 1 buckets longer.
TEST(Network, PassesWeightsOnInBuckets) {
  const Network network{.nodes = 4, .ranks_per_node = 8, .local = 1e12, .node = 1e9, .latency_s = 0.001};
  const WeightChain chain = weight_chain(network, 640e6, true);
  EXPECT_NEAR(chain.hop_s, 0.065, 1e-9);
  EXPECT_NEAR(chain.fill_s, 0.65, 1e-9);
  EXPECT_NEAR(chain.wire_s, 0.64, 1e-9);
}

}  // namespace
}  // namespace reckon::plan
