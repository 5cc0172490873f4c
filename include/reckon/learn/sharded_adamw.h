#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>

#include "reckon/base/aligned_buffer.h"
#include "reckon/dist/communicator.h"
#include "reckon/model/decoder.h"
#include "reckon/ops/adamw.h"

namespace reckon {

/// AdamW over ranks: each holds the moments of its part of the parameters (parameter_part) alone, updates
/// that part, and gives it to the others piece by piece, while it updates the next piece.
class ShardedAdamW {
 public:
  /// \param world  must outlive this
  ShardedAdamW(std::size_t parameters, Communicator& world);

  /// Updates all parameters on every rank. Collective. The decoder is not repacked.
  /// \param gradient      [part().size()] of this rank's part
  /// \param step          its weight_decay is for matrices; 0 is taken for the rest
  /// Failpoint: `learn.tensor`, once for each tensor and piece.
  void update(Decoder& decoder, std::span<const float> gradient, const AdamWStep& step);

  /// Copies the moments of `part`, which lies in this rank's. \param first, second  [part.size()]
  /// \throws std::invalid_argument where it does not
  void copy_moments(Range part, std::span<float> first, std::span<float> second) const;
  /// Takes this rank's part of the moments of all parameters.
  void restore(std::span<const float> first, std::span<const float> second);

  /// This rank's part of the parameters.
  [[nodiscard]] Range part() const { return part_of(world_.rank()); }
  /// Floats that the moments take on this rank.
  [[nodiscard]] std::size_t moments_held() const { return first_moment_.size() + second_moment_.size(); }

 private:
  struct Pending {
    std::int64_t piece;
    std::unique_ptr<PendingExchange> exchange;
  };
  [[nodiscard]] Range part_of(int rank) const;
  [[nodiscard]] Range piece_of(std::int64_t piece, int rank) const;
  [[nodiscard]] std::int64_t num_pieces() const;
  void update_range(Decoder& decoder, Range range, std::span<const float> gradient, const AdamWStep& step);
  void send(std::int64_t piece, std::span<float> parameters);
  void take_first(std::span<float> parameters);

  Communicator& world_;
  std::int64_t size_;
  AlignedBuffer first_moment_, second_moment_;  // of the part
  std::deque<Pending> pending_;
};

}  // namespace reckon
