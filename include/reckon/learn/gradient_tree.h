#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "reckon/base/aligned_buffer.h"
#include "reckon/dist/communicator.h"

namespace reckon {

/// A node of the binary tree over numbered leaves: (l, i) is (l-1, 2i) + (l-1, 2i+1), or the left one alone
/// where there is no right one.
struct TreeNode {
  std::int64_t level = 0;
  std::int64_t index = 0;
  [[nodiscard]] bool operator==(const TreeNode&) const = default;
};

/// Whether two nodes are summed to the one above them.
[[nodiscard]] bool are_siblings(const TreeNode& left, const TreeNode& right);

/// The nodes that consecutive leaves can be summed to without those beside them, in leaf order.
[[nodiscard]] std::vector<TreeNode> tree_nodes(Range leaves);

/// A node and some values of its sum.
struct NodeValues {
  TreeNode node;
  float* sum = nullptr;
};

/// Adds `size` values of consecutive nodes up along the tree, in place of the first one. What is left without
/// a right sibling is folded from the right.
void sum_up_tree(std::span<const NodeValues> nodes, std::size_t size);

/// Sums the gradients of one rank's leaves along the tree. It knows only the leaves' global numbers, so that
/// sums have the same bits however the leaves are spread over ranks. Memory: one gradient for each level in
/// use, and the leaf that is being computed.
class GradientTree {
 public:
  explicit GradientTree(std::size_t gradient_size) : size_(gradient_size) {}

  /// Forgets all leaves, keeping their memory.
  void clear();
  /// A zeroed gradient to add a leaf's sums to; given back by push().
  [[nodiscard]] std::span<float> begin_leaf();
  /// The values from `first` on of leaf `number` (the one of begin_leaf) are complete, and are added up the
  /// tree. Called with descending `first`, at last 0, or with 0 alone. Numbers ascend by one.
  void push(std::int64_t number, std::size_t first = 0);
  /// Those that the leaves were summed to: tree_nodes() of their numbers. Their values are there from the
  /// last push's `first` on; in other functions' hands they may change.
  [[nodiscard]] std::vector<NodeValues> nodes();
  /// Of all its buffers.
  [[nodiscard]] std::size_t floats_held() const;

 private:
  struct Node {
    TreeNode place;
    AlignedBuffer sum;
  };
  void place_leaf(std::int64_t number);

  std::size_t size_;
  AlignedBuffer leaf_;
  std::vector<Node> nodes_;            // in leaf order
  std::vector<AlignedBuffer> merged_;  // into the last node, each into the next, while a leaf is pushed
  std::size_t complete_from_ = 0;      // of the leaf that is being pushed; 0: none is
  std::vector<AlignedBuffer> spare_;   // buffers to use again
};

}  // namespace reckon
