// The gradients of a GPU learner against the CPU's, tensor by tensor, for every loss.
#include <gtest/gtest.h>

#include <cmath>

#include "learner.h"
#include "reckon/learn/policy_pass.h"
#include "small_models.h"

namespace reckon::gpu {
namespace {

using Ids = std::vector<std::uint32_t>;

struct Case {
  std::string name;
  ModelFamily family = ModelFamily::qwen3;
  UpdateLoss loss = {};
  Numerics numerics = Numerics::exact;
  bool recompute = false;
  bool with_old = false;
};

class GpuGradient : public ::testing::TestWithParam<Case> {
 protected:
  GpuGradient() {
    RandomStream random(9, 1);
    const auto draw = [&](std::size_t length) {
      Ids ids;
      for (std::size_t i = 0; i < length; ++i) ids.push_back(random.below(45));
      return ids;
    };
    // Two groups that share prompts, a completion of one token, and a prompt alone.
    const std::vector<std::pair<std::size_t, std::vector<std::size_t>>> groups{
        {5, {6, 1, 9}}, {19, {4, 3}}, {2, {7}}};
    for (const auto& [prompt_length, lengths] : groups) {
      prompts.push_back(std::make_unique<Ids>(draw(prompt_length)));
      for (const std::size_t length : lengths) {
        completions.push_back(std::make_unique<Ids>(draw(length)));
        sequences.push_back({*prompts.back(), *completions.back()});
      }
    }
    // Sampler log-probs near the policy's: some ratios are clipped, some are not.
    const std::vector<float> policy = logprobs_of(*model);
    std::size_t at = 0;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      sampler.emplace_back();
      old.emplace_back();
      for (std::size_t t = 0; t < sequences[s].completion.size(); ++t, ++at) {
        sampler.back().push_back(policy[at] + static_cast<float>(0.25 * random.normal()));
        old.back().push_back(policy[at] + static_cast<float>(0.1 * random.normal()));
      }
    }
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      terms.push_back({.sampler_logprob = sampler[s],
                       .advantage = s == 1 || s == 4 ? 0.0f
                                    : s % 2 == 0     ? 1.2f
                                                     : -0.7f,
                       .weight = 0.01 * static_cast<double>(s + 1)});
      if (GetParam().with_old) terms.back().old_logprob = old[s];
    }
  }

  [[nodiscard]] std::vector<float> logprobs_of(const Decoder& decoder) const {
    PolicyPass pass(decoder);
    pass.forward(sequences, 0.9f, Keep::nothing);
    const std::span<const float> values = pass.leaf(0).logprob;
    return {values.begin(), values.end()};
  }

  /// Of the CPU, in float32.
  [[nodiscard]] std::vector<float> expected_gradient(const UpdateLoss& loss) const {
    PolicyPass pass(*model);
    pass.forward(sequences, 0.9f, Keep::layers);
    const LeafLogprobs leaf = pass.leaf(0);
    std::vector<float> reference_logprob;
    if (loss.config.kl_coef != 0.0) reference_logprob = logprobs_of(*reference);
    std::vector<float> coef(leaf.logprob.size());
    (void)evaluate_loss(loss, 0, leaf, reference_logprob, coef);
    std::vector<float> gradient(model->parameters().size());
    pass.backward(0, coef, gradient);
    return gradient;
  }

  std::unique_ptr<Decoder> model = testing::small_model(GetParam().family);
  std::unique_ptr<Decoder> reference = testing::small_model(GetParam().family, 0.19);
  std::vector<std::unique_ptr<Ids>> prompts, completions;
  std::vector<TrainSequence> sequences;
  std::vector<std::vector<float>> sampler, old;
  std::vector<SequenceTerms> terms;
};

TEST_P(GpuGradient, IsTheCpusButForRounding) {
  UpdateLoss loss = GetParam().loss;
  loss.terms = terms;
  const std::vector<float> expected = expected_gradient(loss);
  cuda::OwnedStream stream;
  Weights weights(*model, WeightUse::train, stream.get());
  cuda::Gemm gemm(cuda::GemmSums::exact);
  const auto world = make_serial_communicator();
  const auto devices = make_serial_device_communicator();
  GpuLearner learner(weights, gemm, stream.get(), GetParam().numerics,
                     {.learning_rate = 1e-3, .max_grad_norm = 0},
                     {.leaf_sequences = 4, .micro_batch_leaves = 1, .recompute = GetParam().recompute},
                     *world, *devices, 2, reference.get());
  const UpdateStats measured = learner.measure(sequences, loss, 0.9f);
  const UpdateStats stats = learner.update(sequences, loss, 0.9f, {});
  // Two completions have no gradient under most losses: their log-probs are there all the same.
  EXPECT_DOUBLE_EQ(stats.loss, measured.loss);
  EXPECT_DOUBLE_EQ(stats.entropy, measured.entropy);
  EXPECT_EQ(stats.max_logprob_diff, measured.max_logprob_diff);
  if (loss.config.off_policy == OffPolicy::sequence_mask) {
    EXPECT_GT(stats.masked, 0);
    EXPECT_LT(stats.masked, stats.tokens);
  }
  const std::vector<float> actual = learner.gradients().download(stream.get());

  double all_squares = 0;
  for (const ParameterTensor& tensor : model->tensors()) {
    double dot = 0;
    double squares = 0;
    double expected_squares = 0;
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      ASSERT_TRUE(std::isfinite(actual[i])) << tensor.name;
      dot += static_cast<double>(actual[i]) * expected[i];
      squares += static_cast<double>(actual[i]) * actual[i];
      expected_squares += static_cast<double>(expected[i]) * expected[i];
    }
    all_squares += squares;
    ASSERT_GT(expected_squares, 0) << tensor.name;
    // The bias of all keys moves every score of a query alike: its gradient is what the rotation lets
    // through, and rounding.
    const bool is_small = tensor.name.ends_with("k_proj.bias");
    EXPECT_GT(dot / std::sqrt(squares * expected_squares), is_small ? 0.9 : 0.99) << tensor.name;
    EXPECT_NEAR(std::sqrt(squares / expected_squares), 1.0, is_small ? 0.2 : 0.05) << tensor.name;
  }
  EXPECT_NEAR(stats.grad_norm, std::sqrt(all_squares), 1e-5 * stats.grad_norm);
}

UpdateLoss policy(const LossConfig& config) {
  return {.kind = LossKind::policy, .config = config};
}

INSTANTIATE_TEST_SUITE_P(
    Losses, GpuGradient,
    ::testing::Values(
        Case{.name = "Qwen2", .family = ModelFamily::qwen2, .loss = policy({})},
        Case{.name = "Qwen3", .loss = policy({})},
        Case{.name = "Llama", .family = ModelFamily::llama, .loss = policy({})},
        Case{.name = "LlamaFast",
             .family = ModelFamily::llama,
             .loss = policy({}),
             .numerics = Numerics::fast},
        Case{.name = "Recompute", .loss = policy({}), .recompute = true},
        Case{.name = "RecomputeFast", .loss = policy({}), .numerics = Numerics::fast, .recompute = true},
        Case{.name = "CrossEntropy", .loss = {.kind = LossKind::cross_entropy}},
        Case{.name = "ClipAndKl",
             .loss = policy({.clip_eps_low = 0.1, .clip_eps_high = 0.3, .kl_coef = 0.2})},
        Case{.name = "Sequence", .loss = policy({.importance_level = ImportanceLevel::sequence})},
        Case{.name = "Tis", .loss = policy({.off_policy = OffPolicy::tis, .off_policy_cap = 1.1})},
        Case{.name = "TisOld",
             .loss = policy({.off_policy = OffPolicy::tis, .off_policy_cap = 1.1}),
             .with_old = true},
        Case{.name = "TisSequence",
             .loss = policy({.importance_level = ImportanceLevel::sequence,
                             .off_policy = OffPolicy::tis,
                             .off_policy_cap = 1.5})},
        Case{.name = "TisOldSequence",
             .loss = policy({.importance_level = ImportanceLevel::sequence,
                             .off_policy = OffPolicy::tis,
                             .off_policy_cap = 1.5}),
             .with_old = true},
        Case{.name = "Mask",
             .loss = policy({.off_policy = OffPolicy::sequence_mask, .off_policy_cap = 1.6, .kl_coef = 0.1})},
        Case{.name = "MaskOld",
             .loss = policy({.off_policy = OffPolicy::sequence_mask, .off_policy_cap = 1.6}),
             .with_old = true},
        Case{.name = "MaskSequence",
             .loss = policy({.importance_level = ImportanceLevel::sequence,
                             .off_policy = OffPolicy::sequence_mask,
                             .off_policy_cap = 1.6})},
        Case{.name = "MaskOldSequence",
             .loss = policy({.importance_level = ImportanceLevel::sequence,
                             .off_policy = OffPolicy::sequence_mask,
                             .off_policy_cap = 1.6}),
             .with_old = true}),
    [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace reckon::gpu
