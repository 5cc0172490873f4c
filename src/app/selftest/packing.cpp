// Whether packing sequences changes their log-probs or a leaf's gradient.
#include "checks.h"
#include "reckon/base/philox.h"
#include "reckon/learn/policy_pass.h"
#include "small_models.h"

namespace reckon::selftest {
namespace {

constexpr std::int64_t kLeafSequences = 3;
constexpr float kTemperature = 0.9F;

/// What a loss could ask of the log-probs of a leaf.
std::vector<float> random_coefficients(std::size_t leaf, std::size_t count) {
  RandomStream random(6, static_cast<std::uint32_t>(leaf));
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(random.normal()));
  return values;
}

std::vector<float> gradient_of(PolicyPass& pass, const Decoder& decoder, std::size_t leaf,
                               std::size_t number) {
  std::vector<float> gradient(decoder.parameters().size());
  pass.backward(leaf, random_coefficients(number, pass.leaf(leaf).logprob.size()), gradient);
  return gradient;
}

void check_model(const SmallModel& model, std::span<const TrainSequence> sequences, Comparison& comparison) {
  const Decoder& decoder = *model.decoder;
  PolicyPass packed(decoder);
  packed.forward(sequences, kLeafSequences, kTemperature, Keep::layers);
  for (std::size_t leaf = 0; leaf < packed.num_leaves(); ++leaf) {
    const std::string where = model.name + ", leaf " + std::to_string(leaf);
    const auto part = sequences.subspan(leaf * kLeafSequences, kLeafSequences);
    PolicyPass alone(decoder);
    alone.forward(part, kTemperature, Keep::layers);
    comparison.floats(where + ", gradient", {"alone", gradient_of(alone, decoder, 0, leaf)},
                      {"packed", gradient_of(packed, decoder, leaf, leaf)});
    std::vector<float> logprobs;
    for (const TrainSequence& sequence : part) {
      PolicyPass single(decoder);
      single.forward({&sequence, 1}, kTemperature, Keep::nothing);
      const std::span<const float> values = single.leaf(0).logprob;
      logprobs.insert(logprobs.end(), values.begin(), values.end());
    }
    comparison.floats(where + ", log-probs", {"one by one", logprobs}, {"packed", packed.leaf(leaf).logprob});
  }
}

}  // namespace

std::string check_packing(SelfTest&, Comparison& comparison) {
  const SmallSequences small;
  std::size_t models = 0;
  for_each_model([&](const SmallModel& model) {
    ++models;
    check_model(model, small.sequences(), comparison);
  });
  return "log-probs and gradients, " + std::to_string(models) + " models";
}

}  // namespace reckon::selftest
