#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "reckon/base/aligned_buffer.h"
#include "reckon/dist/communicator.h"
#include "reckon/learn/gradient_tree.h"

namespace reckon {

/// Values that ranks exchange at once: 4 MiB of float32. Where a rank has more of them than that, their
/// exchange goes on while it computes the rest.
inline constexpr std::size_t kBucket = std::size_t{1} << 20;
/// Exchanges of buckets that are under way at once: what bounds the memory for messages.
inline constexpr std::size_t kMostInFlight = 4;

/// Sums the gradients of all ranks' leaves along one tree, and leaves each rank the sum of its part of the
/// parameters (parameter_part), with the same bits for any number of ranks. Buckets leave in the order in
/// which a backward pass completes them, from the last parameter to the first, while it goes on; their owners
/// add them as they come.
///
/// Memory: the rank's own tree (GradientTree), in whose first node the sum lies; where the rank has no leaf,
/// its part of the sum; and buckets of at most kMostInFlight exchanges, as many nodes as ranks sent of each.
class ShardedGradient {
 public:
  /// \param world  must outlive this
  ShardedGradient(std::size_t parameters, Communicator& world);

  /// Begins a sum over this many leaves; a rank's are share_of() them. Every rank says the same number. The
  /// exchanges are started between here and the last push(), by a rank without leaves here: no other
  /// collective may come between.
  void begin(std::int64_t num_leaves);
  /// A zeroed gradient of all parameters to add a leaf's sums to; given back by push().
  [[nodiscard]] std::span<float> begin_leaf() { return tree_.begin_leaf(); }
  /// As GradientTree::push(). Values of a rank's last leaf are sent when they are complete.
  void push(std::int64_t number, std::size_t first = 0);
  /// The sum of this rank's part. Collective: every rank calls it after its last leaf. \return
  /// [part().size()], there until the next begin()
  [[nodiscard]] std::span<float> finish();

  /// This rank's part of the parameters.
  [[nodiscard]] Range part() const { return part_of(world_.rank()); }
  [[nodiscard]] Range part_of(int rank) const;
  /// Floats that this object holds, but for messages under way.
  [[nodiscard]] std::size_t floats_held() const { return tree_.floats_held() + own_sum_.size(); }

 private:
  struct Pending {
    Range bucket;
    std::unique_ptr<PendingExchange> exchange;
  };
  void send_from(std::int64_t first);
  void start(Range bucket);
  void take_those_done();
  void take_first();
  void add(Range mine, std::vector<std::string> received);
  [[nodiscard]] std::span<float> sum_of(Range mine);

  Communicator& world_;
  std::int64_t size_;
  GradientTree tree_;
  Range leaves_;                              // of this rank
  std::vector<std::vector<TreeNode>> nodes_;  // that each rank's leaves are summed to
  std::int64_t unsent_ = 0;                   // values in front of the buckets that were sent
  std::deque<Pending> pending_;
  AlignedBuffer own_sum_;  // of the part, where this rank has no leaf
};

/// sum_of_squares() of a vector over the ranks, each giving its part (parameter_part): the same bits for any
/// number of ranks, on every rank. Collective.
[[nodiscard]] double sum_of_squares_over_ranks(Communicator& world, std::span<const float> part);

}  // namespace reckon
