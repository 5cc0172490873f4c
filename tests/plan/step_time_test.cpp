// The roofline of a step against numbers worked out by hand.
#include "reckon/plan/step_time.h"

#include <gtest/gtest.h>

#include <map>

namespace reckon::plan {
namespace {

/// One layer of 8 * (8 + 2 * 8) + 8 * 8 + 3 * 8 * 16 = 640 weights in matrices, four words.
ModelShape tiny() {
  ModelShape model;
  model.vocab_size = 4;
  model.hidden_size = 8;
  model.intermediate_size = 16;
  model.num_hidden_layers = 1;
  model.num_attention_heads = 1;
  model.num_key_value_heads = 1;
  model.head_dim = 8;
  return model;
}

/// Everything is infinitely fast but what a test sets.
Rates fast() {
  constexpr double kFast = 1e30;
  Rates rates;
  for (double* rate : {&rates.products, &rates.bandwidth, &rates.rows, &rates.learner_rows, &rates.attention,
                       &rates.logits, &rates.optimizer, &rates.hash})
    *rate = kFast;
  return rates;
}

/// Two groups of three completions of ten tokens, prompts of five.
StageLoad load() {
  StageLoad load;
  load.prompts = 2;
  load.group_size = 3;
  load.max_batch = 8;
  load.leaf_sequences = 3;
  load.mean_prompt = 5;
  load.completions = Lengths::constant(10);
  return load;
}

std::map<std::string, double> parts(const StepTime& time) {
  std::map<std::string, double> out;
  for (const auto* list : {&time.worker, &time.learner})
    for (const TimePart& part : *list) out[part.name] = part.seconds;
  return out;
}

StepTime run(const Rates& rates, const Placement& placement = {}, const StageLoad& stage = load()) {
  const Network network{.nodes = 1, .ranks_per_node = 8, .local = 1e3, .node = 1e2, .latency_s = 0};
  return step_time(tiny(), stage, placement, rates, network, {});
}

TEST(StepTime, CountsProducts) {
  Rates rates = fast();
  rates.products = 1;  // one FLOP a second
  auto time = parts(run(rates));
  EXPECT_NEAR(time["prefill"], 2 * 640 * 10.0, 1e-6) << "two prompts, once for a group";
  EXPECT_NEAR(time["decode"], 2 * (640 + 8 * 4) * 60.0, 1e-6);
  const double forward = 2 * 640 * (60.0 + 10) + 2 * 8 * 4 * 60;
  EXPECT_NEAR(time["forward"], forward, 1e-6);
  EXPECT_NEAR(time["backward"], 2 * forward, 1e-6);
}

TEST(StepTime, ReadsTheWeightsOnceAPassWhereThatTakesLonger) {
  Rates rates = fast();
  rates.bandwidth = 1;
  const StepTime time = run(rates);
  // Ten passes of 672 weights of four bytes; keys: 2 * 4 bytes * 8 wide * (5 + 10 / 2) positions a token.
  EXPECT_NEAR(parts(time)["decode"], 10 * 672 * 4 + 60 * 2 * 4 * 8 * 10.0, 1e-6);
  EXPECT_NEAR(time.pass_s, 672 * 4, 1e-6);
}

TEST(StepTime, LeavesGroupsWithoutVarianceToTheForwardPass) {
  Rates rates = fast();
  rates.products = 1;
  StageLoad half = load();
  half.untrained_share = 0.5;
  auto whole = parts(run(rates)), less = parts(run(rates, {}, half));
  EXPECT_NEAR(less["forward"], whole["forward"], 1e-6);
  EXPECT_NEAR(less["backward"], whole["backward"] / 2, 1e-6);
  half.compares_all = false;
  EXPECT_NEAR(parts(run(rates, {}, half))["forward"], whole["forward"] / 2, 1e-6);
}

// 60 tokens in examples of 10 and 20: E[length^2] = 250, so that a token looks at 250 / 15 / 2 on average.
TEST(StepTime, CountsWhatExamplesLookAt) {
  Rates rates = fast();
  rates.attention = 1;
  StageLoad sft = load();
  sft.work = Work::sft;
  sft.tokens_per_step = 60;
  sft.mean_prompt = 5;
  sft.mean_example = 15;
  sft.mean_square_example = 250;
  EXPECT_NEAR(parts(run(rates, {}, sft))["forward"], 4 * 8 * 60 * 250 / 15.0 / 2, 1e-6);
}

TEST(StepTime, SpreadsWorkOverRanks) {
  Rates rates = fast();
  rates.products = 1;
  auto one = parts(run(rates)), two = parts(run(rates, {.workers = 2, .learners = 2}));
  for (const char* part : {"prefill", "decode", "forward", "backward"})
    EXPECT_NEAR(two[part], one[part] / 2, 1e-6) << part;
}

TEST(StepTime, CountsTraffic) {
  const double bytes = 4 * tiny().parameters();
  const StepTime time = run(fast(), {.workers = 2, .learners = 2});
  ASSERT_EQ(time.traffic.size(), 2U);
  EXPECT_EQ(time.traffic[0].name, "completions");
  EXPECT_NEAR(time.traffic[0].bytes, 30 * 8, 1e-9);
  EXPECT_EQ(time.traffic[1].name, "gradients");
  EXPECT_NEAR(time.traffic[1].bytes, bytes, 1e-9) << "2 (L - 1) / L of them";
  EXPECT_NEAR(time.traffic[1].seconds, bytes / 1e3, 1e-9);
  const StepTime split = run(fast(), {.workers = 3, .learners = 1, .split = true});
  EXPECT_NEAR(split.sync_s, 3 * bytes / 1e3, 1e-9) << "one bucket from each worker to the next";
}

}  // namespace
}  // namespace reckon::plan
