#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "reckon/base/aligned_buffer.h"
#include "reckon/dist/communicator.h"

namespace reckon {

/// Sums gradients of numbered leaves along one binary tree: node (l, i) is node (l-1, 2i) + node (l-1, 2i+1),
/// or the left one alone where there is no right one. The tree knows only the leaves' global numbers, so the
/// sum has the same bits however the leaves are spread over ranks. Memory: one gradient for each level in
/// use.
class GradientTree {
 public:
  explicit GradientTree(std::size_t gradient_size) : size_(gradient_size) {}

  /// A zeroed gradient to add a leaf's sums to; given back by push().
  [[nodiscard]] std::span<float> begin_leaf();
  /// Takes the gradient of leaf `number` (the one of begin_leaf). Numbers of a rank ascend by one.
  void push(std::int64_t number);
  /// The sum over the leaves of all ranks, whose ranges follow each other in rank order; the same on every
  /// rank. Collective. The tree is empty afterwards. \return [gradient_size], there until the next leaf or sum
  [[nodiscard]] std::span<float> reduce(Communicator& world);

 private:
  struct Node {
    std::int64_t level = 0;
    std::int64_t index = 0;
    AlignedBuffer sum;
  };
  void add_node(Node node);
  void reduce_chunk(Communicator& world, const std::vector<std::string>& all_places, std::size_t first,
                    std::span<float> chunk);
  [[nodiscard]] AlignedBuffer take_buffer();

  std::size_t size_;
  AlignedBuffer leaf_, total_;
  std::vector<Node> nodes_;           // in leaf order
  std::vector<AlignedBuffer> spare_;  // buffers to use again
};

}  // namespace reckon
