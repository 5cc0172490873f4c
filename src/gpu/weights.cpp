#include "weights.h"

#include <algorithm>
#include <bit>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/cuda/elementwise.h"
#include "reckon/learn/parameter_part.h"
#include "reckon/model/rope.h"

namespace reckon::gpu {
namespace {

constexpr std::int64_t kStageValues = std::int64_t{16} << 20;  // of master weights under way, 64 MB

}  // namespace

Weights::Weights(const Decoder& decoder, WeightUse use, Stream stream)
    : config_(decoder.config()), num_logits_(decoder.num_logits()), tensors_(decoder.tensors()) {
  lay_out(decoder);
  const std::span<const float> parameters = decoder.parameters();
  rounded_.resize(parameters.size());
  if (use == WeightUse::train) {
    master_.upload(parameters, stream);
    part_ = {0, num_parameters()};
  }
  round_all(parameters, stream);
}

void Weights::lay_out(const Decoder& decoder) {
  std::map<std::string, std::size_t> offsets;
  for (const ParameterTensor& tensor : decoder.tensors()) {
    if (tensor.size % 8 != 0 || tensor.shape.back() % 8 != 0) {
      throw Error(ExitCode::usage, "model: " + tensor.name + " has " + std::to_string(tensor.size) +
                                       " values (need widths that are multiples of 8 on a GPU)");
    }
    offsets[tensor.name] = tensor.offset;
  }
  last_norm_ = offsets.at("model.norm.weight");
  head_ = config_.tie_word_embeddings ? 0 : offsets.at("lm_head.weight");
  for (std::int64_t i = 0; i < config_.num_hidden_layers; ++i) {
    const auto offset = [&](const char* name) {
      const auto found = offsets.find("model.layers." + std::to_string(i) + "." + name);
      return found == offsets.end() ? 0 : found->second;
    };
    layers_.push_back({.input_norm = offset("input_layernorm.weight"),
                       .qkv = offset("self_attn.q_proj.weight"),
                       .qkv_bias = offset("self_attn.q_proj.bias"),
                       .q_norm = offset("self_attn.q_norm.weight"),
                       .k_norm = offset("self_attn.k_norm.weight"),
                       .out = offset("self_attn.o_proj.weight"),
                       .out_bias = offset("self_attn.o_proj.bias"),
                       .middle_norm = offset("post_attention_layernorm.weight"),
                       .gate_up = offset("mlp.gate_proj.weight"),
                       .gate_up_bias = offset("mlp.gate_proj.bias"),
                       .down = offset("mlp.down_proj.weight"),
                       .down_bias = offset("mlp.down_proj.bias")});
  }
}

cuda::HeadShape Weights::heads() const {
  return {config_.num_attention_heads, config_.num_key_value_heads, config_.head_dim};
}

void Weights::keep_master_part(DeviceCommunicator& devices, Stream stream) {
  const Range part = parameter_part(num_parameters(), devices.rank(), devices.size());
  if (devices_ != nullptr && (part.begin != part_.begin || part.end != part_.end))
    throw std::logic_error("Weights: the master weights are cut among other ranks already");
  if (devices_ == nullptr && part.size() < part_.size()) {
    cuda::DeviceArray<float> mine(static_cast<std::size_t>(part.size()));
    cuda::copy_on_device(mine.data(), master_.data() + part.begin, mine.size() * sizeof(float), stream);
    cuda::synchronize(stream);
    master_ = std::move(mine);
    ranges_.resize(0);  // of the whole
  }
  devices_ = &devices;
  part_ = part;
}

void Weights::fetch(Decoder& decoder, Stream stream) const {
  const std::span<float> parameters = decoder.parameters();
  cuda::copy_to_host(parameters.data() + part_.begin, master_.data(),
                     static_cast<std::size_t>(part_.size()) * sizeof(float), stream);
  cuda::synchronize(stream);
  if (devices_ == nullptr || devices_->size() == 1) return;
  cuda::DeviceArray<float> stage;
  for (int rank = 0; rank < devices_->size(); ++rank) fetch_from(rank, parameters, stage, stream);
}

/// Every rank's master weights of one rank's part, piece by piece.
void Weights::fetch_from(int rank, std::span<float> parameters, cuda::DeviceArray<float>& stage,
                         Stream stream) const {
  constexpr const char* kTensor = "master weights";
  const Range part = parameter_part(num_parameters(), rank, devices_->size());
  for (std::int64_t begin = part.begin; begin < part.end; begin += kStageValues) {
    const auto count = static_cast<std::size_t>(std::min(kStageValues, part.end - begin));
    const bool is_mine = rank == devices_->rank();
    stage.resize(count);
    if (is_mine)
      cuda::copy_on_device(stage.data(), master_.data() + (begin - part.begin), count * sizeof(float),
                           stream);
    devices_->broadcast(stage.data(), count * sizeof(float), rank, kTensor, stream);
    devices_->wait(kTensor);
    if (!is_mine) cuda::copy_to_host(parameters.data() + begin, stage.data(), count * sizeof(float), stream);
    cuda::synchronize(stream);
  }
}

void Weights::store(const Decoder& decoder, Stream stream) {
  const std::span<const float> parameters = decoder.parameters();
  cuda::copy_to_device(master_.data(), parameters.data() + part_.begin,
                       static_cast<std::size_t>(part_.size()) * sizeof(float), stream);
  round_all(parameters, stream);
  mark_changed();
}

/// The copies that products read, of master weights that may not be here. Waits for the stream.
void Weights::round_all(std::span<const float> parameters, Stream stream) {
  cuda::DeviceArray<float> stage;
  const auto size = static_cast<std::int64_t>(parameters.size());
  for (std::int64_t begin = 0; begin < size; begin += kStageValues) {
    const auto count = static_cast<std::size_t>(std::min(kStageValues, size - begin));
    stage.upload(parameters.subspan(static_cast<std::size_t>(begin), count), stream);
    cuda::round_to_bf16(stage.data(), static_cast<std::int64_t>(count), rounded_.data() + begin, stream);
    cuda::synchronize(stream);
  }
}

const cuda::DeviceArray<cuda::DecayRange>& Weights::decay_ranges(double weight_decay, Stream stream) {
  if (ranges_.size() > 0 && ranges_decay_ == weight_decay) return ranges_;
  std::vector<cuda::DecayRange> ranges;
  for (const ParameterTensor& tensor : tensors_) {
    const auto offset = static_cast<std::int64_t>(tensor.offset);
    const Range mine = intersection(part_, {offset, offset + static_cast<std::int64_t>(tensor.size)});
    if (mine.size() == 0) continue;
    const float decay = tensor.kind == ParameterKind::matrix ? static_cast<float>(weight_decay) : 0.0f;
    if (!ranges.empty() && ranges.back().weight_decay == decay) {
      ranges.back().end = mine.end - part_.begin;
    } else {
      ranges.push_back({mine.begin - part_.begin, mine.end - part_.begin, decay});
    }
  }
  ranges_.upload(ranges, stream);
  cuda::synchronize(stream);
  ranges_decay_ = weight_decay;
  return ranges_;
}

RotationTable::RotationTable(const DecoderConfig& config)
    : most_positions_(config.max_position_embeddings), half_(config.head_dim / 2) {
  const RopeFrequencies rope = rope_frequencies(config.rope, config.head_dim);
  table_ = RopeTable(rope.frequencies, rope.scale);
}

bool RotationTable::extend_to(std::int64_t positions, Stream stream) {
  constexpr std::int64_t kFewest = 4096;
  if (positions * half_ <= static_cast<std::int64_t>(cosines_.size())) return false;
  const auto doubled =
      static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(std::max(positions, kFewest))));
  const std::int64_t count = std::max(positions, std::min(doubled, most_positions_));
  table_.extend_to(count);
  const auto size = static_cast<std::size_t>(count * half_);
  cuda::synchronize(stream);
  cosines_.upload({table_.cosines(0), size}, stream);
  sines_.upload({table_.sines(0), size}, stream);
  cuda::synchronize(stream);
  return true;
}

}  // namespace reckon::gpu
