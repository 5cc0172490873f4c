// Whether the micro-batch or the number of ranks changes what an update makes of the weights.
#include "training.h"

#include <utility>

#include "app/engine.h"
#include "checks.h"

namespace reckon::selftest {
namespace {

constexpr std::int64_t kUpdates = 2;
constexpr std::int64_t kLeafSequences = 2;
constexpr float kTemperature = 0.9F;

OptimizerConfig optimizer() {
  OptimizerConfig config;
  config.learning_rate = 1e-2;
  return config;
}

}  // namespace

SmallTraining::SmallTraining(const SmallModel& model, const BatchConfig& batch, Communicator& world,
                             std::int64_t total_updates)
    : decoder_(copy_of(*model.decoder)), learner_(*decoder_, optimizer(), batch, world, total_updates) {}

void SmallTraining::update(std::int64_t updates) {
  for (std::int64_t i = 0; i < updates; ++i) {
    const std::vector<float> logprobs = learner_.logprobs(small_.sequences(), kTemperature);
    std::vector<SequenceTerms> terms;
    std::size_t at = 0;
    for (const TrainSequence& sequence : small_.sequences()) {
      const std::size_t length = sequence.completion.size();
      terms.push_back({.sampler_logprob = std::span(logprobs).subspan(at, length),
                       .advantage = terms.size() % 3 == 0 ? 1.0F : -0.5F,
                       .weight = 1.0 / static_cast<double>(logprobs.size())});
      at += length;
    }
    const UpdateStats stats = learner_.update(small_.sequences(), {.terms = terms}, kTemperature, {});
    sums_.push_back(static_cast<float>(stats.loss));
    sums_.push_back(static_cast<float>(stats.grad_norm));
  }
}

Trained SmallTraining::result() const {
  const std::span<const float> weights = std::as_const(*decoder_).parameters();
  return {{weights.begin(), weights.end()}, decoder_->sha256(), sums_};
}

Trained train(const SmallModel& model, const BatchConfig& batch, Communicator& world, std::int64_t updates) {
  SmallTraining training(model, batch, world, updates);
  training.update(updates);
  return training.result();
}

void compare_trained(Comparison& comparison, const std::string& what, std::string_view left_name,
                     const Trained& left, std::string_view right_name, const Trained& right) {
  comparison.floats(what + ", loss and gradient norm", {left_name, left.sums}, {right_name, right.sums});
  comparison.floats(what + ", weights", {left_name, left.weights}, {right_name, right.weights});
  comparison.text(what + ", SHA-256 of the weights", std::string(left_name), left.weights_sha256,
                  std::string(right_name), right.weights_sha256);
}

std::string check_micro_batch(SelfTest& test, Comparison& comparison) {
  for_each_model([&](const SmallModel& model) {
    const Trained one = train(model, {.leaf_sequences = kLeafSequences}, test.alone, kUpdates);
    for (const std::int64_t leaves : {2, 4, 100}) {
      for (const bool recompute : {false, true}) {
        const BatchConfig batch{
            .leaf_sequences = kLeafSequences, .micro_batch_leaves = leaves, .recompute = recompute};
        compare_trained(
            comparison, model.name, "with micro-batches of one leaf", one,
            "with up to " + std::to_string(leaves) + (recompute ? " leaves, recomputed" : " leaves"),
            train(model, batch, test.alone, kUpdates));
      }
    }
  });
  return "weights with 1, 2, 4, 6 leaves at a time";
}

std::string check_ranks(SelfTest& test, Comparison& comparison) {
  std::string first;
  for_each_model([&](const SmallModel& model) {
    const BatchConfig batch{.leaf_sequences = kLeafSequences, .micro_batch_leaves = 2};
    const Trained alone = train(model, batch, test.alone, kUpdates);
    const Trained together = train(model, batch, test.world, kUpdates);
    compare_trained(comparison, model.name, "by one rank", alone, "by all", together);
    const std::string of_rank_0 = test.world.all_gather(together.weights_sha256).front();
    comparison.text(model.name + ", SHA-256 of the weights", "on rank 0", of_rank_0, "here",
                    together.weights_sha256);
    if (first.empty()) first = together.weights_sha256;
  });
  return "weights by 1 rank and by " + std::to_string(test.world.size()) + ": " + first.substr(0, 12);
}

}  // namespace reckon::selftest
