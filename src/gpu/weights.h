#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reckon/cuda/norm_rope.h"
#include "reckon/cuda/optimizer.h"
#include "reckon/cuda/runtime.h"
#include "reckon/dist/device_communicator.h"
#include "reckon/model/decoder.h"

namespace reckon::gpu {

/// Where a layer's tensors stand in the parameter vector; q, k, v and gate, up are one product each. Tensors
/// that the family does not have are 0.
struct LayerOffsets {
  std::size_t input_norm = 0, qkv = 0, qkv_bias = 0, q_norm = 0, k_norm = 0, out = 0, out_bias = 0,
              middle_norm = 0, gate_up = 0, gate_up_bias = 0, down = 0, down_bias = 0;
};

/// Whether weights are there to be updated: then they have float32 master weights beside the copies that
/// products read.
enum class WeightUse { infer, train };

/// A decoder's weights on the device, in the order of Decoder::tensors(): bfloat16 copies for the products,
/// and master weights.
class Weights {
 public:
  /// \throws Error(usage) where the shape does not fit vector loads (sizes that are no multiple of 8).
  Weights(const Decoder& decoder, WeightUse use, Stream stream);

  [[nodiscard]] const DecoderConfig& config() const { return config_; }
  [[nodiscard]] std::int64_t num_logits() const { return num_logits_; }
  [[nodiscard]] std::int64_t num_parameters() const { return static_cast<std::int64_t>(rounded_.size()); }
  [[nodiscard]] const LayerOffsets& layer(std::int64_t number) const {
    return layers_[static_cast<std::size_t>(number)];
  }
  [[nodiscard]] std::size_t last_norm() const { return last_norm_; }
  [[nodiscard]] std::size_t head() const { return head_; }
  [[nodiscard]] cuda::HeadShape heads() const;
  /// The bfloat16 copy.
  [[nodiscard]] const bf16* at(std::size_t offset) const { return rounded_.data() + offset; }
  [[nodiscard]] bf16* rounded() { return rounded_.data(); }
  /// The master weights of master_part().
  [[nodiscard]] float* master() { return master_.data(); }
  /// All parameters, until keep_master_part().
  [[nodiscard]] const Range& master_part() const { return part_; }
  /// Keeps the master weights of this rank's parameter_part() alone; from here on fetch() is collective.
  /// \param devices  the ranks among which they are cut; must outlive the weights' use
  /// \throws std::logic_error  where they are cut among another number of ranks already
  void keep_master_part(DeviceCommunicator& devices, Stream stream);
  /// Where a layer's tensors begin in the parameter vector, which has the layers in order.
  [[nodiscard]] std::size_t layer_begin(std::int64_t number) const { return layer(number).input_norm; }

  /// Counts changes: keys and values of an earlier version are not read.
  [[nodiscard]] std::uint64_t version() const { return version_; }
  void mark_changed() { ++version_; }
  /// Writes the master weights into a decoder of the same shape. Waits for the stream. The decoder must be
  /// repacked before it computes.
  void fetch(Decoder& decoder, Stream stream) const;
  /// Takes a decoder's weights, of the same shape, for the master weights. Waits for the stream.
  void store(const Decoder& decoder, Stream stream);
  /// Stretches of master_part() with one weight decay: matrices have it, norms and biases do not. Counted
  /// from where the part begins; on the device.
  [[nodiscard]] const cuda::DeviceArray<cuda::DecayRange>& decay_ranges(double weight_decay, Stream stream);

 private:
  void lay_out(const Decoder& decoder);
  void round_all(std::span<const float> parameters, Stream stream);
  void fetch_from(int rank, std::span<float> parameters, cuda::DeviceArray<float>& stage,
                  Stream stream) const;

  DecoderConfig config_;
  std::int64_t num_logits_ = 0;
  std::vector<ParameterTensor> tensors_;
  std::vector<LayerOffsets> layers_;
  std::size_t last_norm_ = 0, head_ = 0;
  Range part_;
  DeviceCommunicator* devices_ = nullptr;  // that the master weights are cut among
  cuda::DeviceArray<float> master_;        // [part_]
  cuda::DeviceArray<bf16> rounded_;
  cuda::DeviceArray<cuda::DecayRange> ranges_;
  double ranges_decay_ = 0;
  std::uint64_t version_ = 1;
};

/// Cosines and sines on the device, for as many positions as were asked for.
class RotationTable {
 public:
  explicit RotationTable(const DecoderConfig& config);
  /// Waits for the stream where the table grows. \return whether it did: pointers are then new ones
  bool extend_to(std::int64_t positions, Stream stream);
  [[nodiscard]] cuda::Rotation at(const std::int32_t* positions) const {
    return {cosines_.data(), sines_.data(), positions};
  }

 private:
  RopeTable table_;
  std::int64_t most_positions_;
  std::int64_t half_;
  cuda::DeviceArray<float> cosines_, sines_;
};

}  // namespace reckon::gpu
