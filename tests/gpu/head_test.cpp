// The output layer with its losses: gradients against float64, and chunks that change no row.
#include "head.h"

#include <gtest/gtest.h>

#include <cmath>

#include "small_models.h"
#include "support/numbers.h"
#include "support/op_references.h"

namespace reckon::gpu {
namespace {

using testing::Doubles;

constexpr std::size_t kRows = 13, kTargets = 11, kVocab = 45, kHidden = 48;
constexpr float kTemperature = 0.8f;

/// Losses of the head of a small model over hidden states, of which one row predicts two tokens.
class HeadTest : public ::testing::Test {
 protected:
  std::unique_ptr<Decoder> model = testing::small_model(ModelFamily::qwen3);
  cuda::OwnedStream stream;
  Weights weights{*model, WeightUse::infer, stream.get()};
  cuda::Gemm gemm{cuda::GemmSums::exact};
  std::vector<float> hidden = testing::rounded_to_bf16(testing::normal_values(kRows * kHidden, 1, 1.0));
  std::vector<std::int32_t> rows{12, 0, 3, 3, 7, 1, 2, 9, 10, 5, 4};
  std::vector<std::uint32_t> tokens{0, 44, 3, 17, 20, 20, 7, 31, 8, 9, 44};
  std::vector<float> weight = std::vector<float>(kTargets, 0.125f);
  cuda::DeviceArray<bf16> hidden_array;
  cuda::DeviceArray<std::int32_t> rows_array;
  cuda::DeviceArray<std::uint32_t> tokens_array;
  cuda::DeviceArray<float> weight_array, dhidden{kRows * kHidden}, gradients{model->parameters().size()};

  HeadTest() {
    weight[4] = 0.5f;
    std::vector<bf16> rounded;
    for (const float value : hidden) rounded.push_back(to_bf16(value));
    hidden_array.upload(rounded, stream.get());
    rows_array.upload(rows, stream.get());
    tokens_array.upload(tokens, stream.get());
    weight_array.upload(weight, stream.get());
    cuda::synchronize(stream.get());
  }

  [[nodiscard]] HeadRows head_rows() const { return {hidden_array.data(), rows_array.data(), kTargets}; }
  [[nodiscard]] HeadGradient zeroed() {
    dhidden.fill_zero(stream.get());
    gradients.fill_zero(stream.get());
    return {dhidden.data(), gradients.data()};
  }

  [[nodiscard]] Doubles embedding() const {
    return testing::doubles(std::as_const(*model).parameters().first(kVocab * kHidden));
  }
  /// Logits of each target, float64, rounded to bfloat16 as the losses see them.
  [[nodiscard]] Doubles logits() const {
    Doubles picked;
    for (const std::int32_t row : rows) {
      for (std::size_t i = 0; i < kHidden; ++i)
        picked.push_back(hidden[static_cast<std::size_t>(row) * kHidden + i]);
    }
    return testing::reference::linear(picked, embedding(), kVocab, kHidden);
  }

  /// Holds dhidden and the gradient of the embedding against dlogits [targets, V].
  void expect_gradients(const Doubles& dlogits) {
    const Doubles dpicked = testing::reference::linear_backward_input(dlogits, embedding(), kVocab, kHidden);
    Doubles expected(kRows * kHidden);
    for (std::size_t t = 0; t < kTargets; ++t) {
      for (std::size_t i = 0; i < kHidden; ++i)
        expected[static_cast<std::size_t>(rows[t]) * kHidden + i] += dpicked[t * kHidden + i];
    }
    expect_close(dhidden.download(stream.get()), expected);
    Doubles dweight(kVocab * kHidden);
    for (std::size_t t = 0; t < kTargets; ++t) {
      for (std::size_t v = 0; v < kVocab; ++v) {
        for (std::size_t i = 0; i < kHidden; ++i)
          dweight[v * kHidden + i] +=
              dlogits[t * kVocab + v] *
              static_cast<double>(hidden[static_cast<std::size_t>(rows[t]) * kHidden + i]);
      }
    }
    std::vector<float> actual = gradients.download(stream.get());
    for (std::size_t i = dweight.size(); i < actual.size(); ++i)
      ASSERT_EQ(actual[i], 0) << "a tensor beside the head";
    actual.resize(dweight.size());
    expect_close(actual, dweight);
  }

  /// Logits and their gradients are bfloat16: each of the sums' terms is off by up to 2^-8 of itself, and a
  /// probability by the logit's error.
  static void expect_close(const std::vector<float>& actual, const Doubles& expected) {
    ASSERT_EQ(actual.size(), expected.size());
    double dot = 0;
    double squares = 0;
    double expected_squares = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      ASSERT_TRUE(std::isfinite(actual[i])) << i;
      dot += static_cast<double>(actual[i]) * expected[i];
      squares += static_cast<double>(actual[i]) * static_cast<double>(actual[i]);
      expected_squares += expected[i] * expected[i];
    }
    EXPECT_GT(dot / std::sqrt(squares * expected_squares), 0.9999);
    EXPECT_NEAR(std::sqrt(squares / expected_squares), 1.0, 0.01);
  }

  /// Probabilities of each target's words at the temperature.
  [[nodiscard]] static Doubles softmax(const Doubles& logits) {
    Doubles p(logits.size());
    for (std::size_t t = 0; t < logits.size() / kVocab; ++t) {
      double sum = 0;
      for (std::size_t v = 0; v < kVocab; ++v) sum += std::exp(logits[t * kVocab + v] / kTemperature);
      for (std::size_t v = 0; v < kVocab; ++v)
        p[t * kVocab + v] = std::exp(logits[t * kVocab + v] / kTemperature) / sum;
    }
    return p;
  }
};

TEST_F(HeadTest, ChunksChangeNoRowsResult) {
  cuda::DeviceArray<float> logprob(kTargets), entropy(kTargets);
  std::vector<std::vector<float>> logprobs, entropies, gradients_of_hidden;
  for (const std::int64_t chunk : {0, 1, 4, 11}) {
    Head head(weights, gemm, stream.get(), chunk);
    head.token_logprob(head_rows(), tokens_array.data(), kTemperature,
                       {.logprob = logprob.data(), .entropy = entropy.data()});
    logprobs.push_back(logprob.download(stream.get()));
    entropies.push_back(entropy.download(stream.get()));
    head.cross_entropy_loss(head_rows(), tokens_array.data(), weight_array.data(), kTemperature, nullptr, {},
                            zeroed());
    gradients_of_hidden.push_back(dhidden.download(stream.get()));
  }
  for (std::size_t i = 1; i < logprobs.size(); ++i) {
    EXPECT_EQ(logprobs[i], logprobs[0]);
    EXPECT_EQ(entropies[i], entropies[0]);
    EXPECT_EQ(gradients_of_hidden[i], gradients_of_hidden[0]);
  }
  const Doubles p = softmax(logits());
  for (std::size_t t = 0; t < kTargets; ++t)
    EXPECT_NEAR(logprobs[0][t], std::log(p[t * kVocab + tokens[t]]), 0.03) << t;
}

TEST_F(HeadTest, CrossEntropyHasTheGradientsOfFloat64) {
  Doubles dlogits = softmax(logits());
  for (std::size_t t = 0; t < kTargets; ++t) {
    dlogits[t * kVocab + tokens[t]] -= 1;
    for (std::size_t v = 0; v < kVocab; ++v)
      dlogits[t * kVocab + v] *= static_cast<double>(weight[t]) / static_cast<double>(kTemperature);
  }
  for (const std::int64_t chunk : {0, 3}) {
    Head head(weights, gemm, stream.get(), chunk);
    head.cross_entropy_loss(head_rows(), tokens_array.data(), weight_array.data(), kTemperature, nullptr, {},
                            zeroed());
    expect_gradients(dlogits);
  }
}

TEST_F(HeadTest, GrpoHasTheGradientsOfFloat64) {
  const Doubles p = softmax(logits());
  std::vector<float> sampler, advantage;
  Doubles dlogits = p;
  for (std::size_t t = 0; t < kTargets; ++t) {
    const double logprob = std::log(p[t * kVocab + tokens[t]]);
    sampler.push_back(static_cast<float>(logprob) - 0.1f);  // the ratio e^0.1 is inside the clip
    advantage.push_back(t % 2 == 0 ? 1.0f : -2.0f);
    const double coef = -static_cast<double>(weight[t]) * std::exp(0.1) * static_cast<double>(advantage[t]) /
                        static_cast<double>(kTemperature);
    for (std::size_t v = 0; v < kVocab; ++v)
      dlogits[t * kVocab + v] = coef * ((v == tokens[t] ? 1.0 : 0.0) - p[t * kVocab + v]);
  }
  cuda::DeviceArray<float> sampler_array, advantage_array, ratio(kTargets);
  sampler_array.upload(sampler, stream.get());
  advantage_array.upload(advantage, stream.get());
  for (const std::int64_t chunk : {0, 5}) {
    Head head(weights, gemm, stream.get(), chunk);
    head.grpo_loss(head_rows(),
                   {.token_ids = tokens_array.data(),
                    .sampler_logprob = sampler_array.data(),
                    .advantage = advantage_array.data(),
                    .weight = weight_array.data()},
                   {.temperature = kTemperature}, {.token = {}, .ratio = ratio.data()}, zeroed());
    expect_gradients(dlogits);
    for (const float value : ratio.download(stream.get())) EXPECT_NEAR(value, std::exp(0.1), 0.04);
  }
}

TEST_F(HeadTest, DistillationMovesTowardsTheTeacher) {
  // Forward KL at temperature T: d / dx_v = weight / T (p_v - q_v), with the teacher's q.
  const auto teacher_model = testing::small_model(ModelFamily::llama);
  const Weights teacher_weights(*teacher_model, WeightUse::infer, stream.get());
  Head teacher(teacher_weights, gemm, stream.get(), 4);
  const std::size_t head_at = teacher_weights.head();
  const Doubles teacher_head =
      testing::doubles(std::as_const(*teacher_model).parameters().subspan(head_at, kVocab * kHidden));
  Doubles picked;
  for (const std::int32_t row : rows) {
    for (std::size_t i = 0; i < kHidden; ++i)
      picked.push_back(hidden[static_cast<std::size_t>(row) * kHidden + i]);
  }
  const Doubles q = softmax(testing::reference::linear(picked, teacher_head, kVocab, kHidden));
  const Doubles p = softmax(logits());
  Doubles dlogits(p.size());
  for (std::size_t i = 0; i < p.size(); ++i)
    dlogits[i] = static_cast<double>(weight[i / kVocab]) / static_cast<double>(kTemperature) * (p[i] - q[i]);
  cuda::DeviceArray<float> loss(kTargets);
  Head head(weights, gemm, stream.get(), 4);
  head.full_kl_loss(head_rows(), teacher, head_rows(), cuda::KlDirection::forward, weight_array.data(),
                    kTemperature, loss.data(), zeroed());
  expect_gradients(dlogits);
  const std::vector<float> full = loss.download(stream.get());

  // All words are in the top 45: the same loss, and the same gradient.
  std::vector<std::uint32_t> ids;
  std::vector<float> logprobs;
  for (std::size_t t = 0; t < kTargets; ++t) {
    for (std::uint32_t v = 0; v < kVocab; ++v) {
      ids.push_back(v);
      logprobs.push_back(static_cast<float>(std::log(q[t * kVocab + v])));
    }
  }
  cuda::DeviceArray<std::uint32_t> ids_array;
  cuda::DeviceArray<float> logprobs_array;
  ids_array.upload(ids, stream.get());
  logprobs_array.upload(logprobs, stream.get());
  head.top_k_kl_loss(head_rows(), {ids_array.data(), logprobs_array.data(), kVocab},
                     cuda::KlDirection::forward, weight_array.data(), kTemperature, loss.data(), zeroed());
  expect_gradients(dlogits);
  const std::vector<float> top = loss.download(stream.get());
  for (std::size_t t = 0; t < kTargets; ++t)
    EXPECT_NEAR(top[t], full[t], 0.01 + 0.02 * static_cast<double>(full[t]));
}

}  // namespace
}  // namespace reckon::gpu
