#include "small_models.h"

#include <array>

#include "reckon/base/error.h"
#include "reckon/base/philox.h"
#include "reckon/ops/isa.h"

namespace reckon::selftest {
namespace {

constexpr std::int64_t kVocab = 97;

DecoderConfig small_config(ModelFamily family) {
  ModelInitConfig shape;
  shape.init = family;
  shape.hidden_size = 64;
  shape.intermediate_size = 96;
  shape.num_hidden_layers = 2;
  shape.num_attention_heads = 4;
  shape.num_key_value_heads = 2;
  shape.head_dim = 16;
  DecoderConfig config = decoder_config_from(shape, kVocab, 0);
  config.tie_word_embeddings = family != ModelFamily::llama;
  return config;
}

/// Norms and biases that are not what they are at first, or they would not be tested.
std::unique_ptr<Decoder> small_decoder(ModelFamily family, Precision precision) {
  auto decoder = std::make_unique<Decoder>(small_config(family), precision);
  decoder->initialise(3, 0.2);
  RandomStream random(3, 1);
  for (const ParameterTensor& tensor : decoder->tensors()) {
    if (tensor.kind == ParameterKind::matrix) continue;
    for (float& value : decoder->parameters().subspan(tensor.offset, tensor.size)) {
      value += static_cast<float>(0.2 * random.normal());
    }
  }
  decoder->repack();
  return decoder;
}

bool can_compute_in(ComputeDtype dtype) {
  try {
    check_compute_dtype(dtype);
  } catch (const Error&) {
    return false;
  }
  return true;
}

std::vector<std::uint32_t> random_ids(RandomStream& random, std::size_t count) {
  std::vector<std::uint32_t> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(random.below(static_cast<std::uint32_t>(kVocab)));
  return ids;
}

}  // namespace

void for_each_model(const std::function<void(const SmallModel& model)>& check) {
  for (const ComputeDtype dtype : {ComputeDtype::float32, ComputeDtype::bfloat16}) {
    if (!can_compute_in(dtype)) continue;
    for (const ModelFamily family : {ModelFamily::qwen2, ModelFamily::qwen3, ModelFamily::llama}) {
      check({std::string(enum_name(family)) + " " + std::string(enum_name(dtype)),
             small_decoder(family, dtype)});
    }
  }
}

SmallSequences::SmallSequences() {
  constexpr std::array<std::size_t, 6> kPromptLengths = {1, 3, 16, 17, 33, 48};
  constexpr std::array<std::size_t, 12> kCompletionLengths = {20, 1, 15, 16, 17, 2, 31, 9, 5, 33, 12, 24};
  RandomStream random(5, 1);
  for (const std::size_t length : kPromptLengths) prompts_.push_back(random_ids(random, length));
  for (const std::size_t length : kCompletionLengths) completions_.push_back(random_ids(random, length));
  for (std::size_t i = 0; i < completions_.size(); ++i) {
    sequences_.push_back({prompts_[i / 2], completions_[i]});
  }
}

}  // namespace reckon::selftest
