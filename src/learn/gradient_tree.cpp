#include "reckon/learn/gradient_tree.h"

#include <algorithm>
#include <utility>

#include "reckon/ops/sums.h"

namespace reckon {

bool are_siblings(const TreeNode& left, const TreeNode& right) {
  return left.level == right.level && left.index % 2 == 0 && right.index == left.index + 1;
}

std::vector<TreeNode> tree_nodes(Range leaves) {
  std::vector<TreeNode> nodes;
  for (std::int64_t leaf = leaves.begin; leaf < leaves.end; ++leaf) {
    nodes.push_back({0, leaf});
    while (nodes.size() >= 2 && are_siblings(nodes[nodes.size() - 2], nodes.back())) {
      nodes.pop_back();
      nodes.back() = {nodes.back().level + 1, nodes.back().index / 2};
    }
  }
  return nodes;
}

void sum_up_tree(std::span<const NodeValues> nodes, std::size_t size) {
  std::vector<NodeValues> open;
  const auto fold_last = [&] {
    add_to({open[open.size() - 2].sum, size}, {open.back().sum, size});
    open.pop_back();
  };
  for (const NodeValues& node : nodes) {
    open.push_back(node);
    while (open.size() >= 2 && are_siblings(open[open.size() - 2].node, open.back().node)) {
      fold_last();
      TreeNode& place = open.back().node;
      place = {place.level + 1, place.index / 2};
    }
  }
  while (open.size() >= 2) fold_last();
}

void GradientTree::clear() {
  for (Node& node : nodes_) spare_.push_back(std::move(node.sum));
  for (AlignedBuffer& buffer : merged_) spare_.push_back(std::move(buffer));
  if (leaf_.size() > 0) spare_.push_back(std::exchange(leaf_, AlignedBuffer()));
  nodes_.clear();
  merged_.clear();
  complete_from_ = 0;
}

std::span<float> GradientTree::begin_leaf() {
  if (!spare_.empty()) {
    leaf_ = std::move(spare_.back());
    spare_.pop_back();
  }
  leaf_.resize(size_);
  std::fill_n(leaf_.data(), size_, 0.0f);
  return leaf_;
}

void GradientTree::push(std::int64_t number, std::size_t first) {
  if (complete_from_ == 0) place_leaf(number);
  const std::size_t count = complete_from_ - first;
  for (std::size_t i = 0; i < merged_.size(); ++i) {
    AlignedBuffer& left = i + 1 < merged_.size() ? merged_[i + 1] : nodes_.back().sum;
    add_to(left.span().subspan(first, count), merged_[i].span().subspan(first, count));
  }
  complete_from_ = first;
  if (first > 0) return;
  for (AlignedBuffer& buffer : merged_) spare_.push_back(std::move(buffer));
  merged_.clear();
}

/// Makes the leaf and those that it completes one node, whose sums push() fills.
void GradientTree::place_leaf(std::int64_t number) {
  nodes_.push_back({{0, number}, std::exchange(leaf_, AlignedBuffer())});
  while (nodes_.size() >= 2 && are_siblings(nodes_[nodes_.size() - 2].place, nodes_.back().place)) {
    merged_.push_back(std::move(nodes_.back().sum));
    nodes_.pop_back();
    TreeNode& place = nodes_.back().place;
    place = {place.level + 1, place.index / 2};
  }
  complete_from_ = size_;
}

std::size_t GradientTree::floats_held() const {
  std::size_t floats = leaf_.size();
  for (const Node& node : nodes_) floats += node.sum.size();
  for (const auto* buffers : {&merged_, &spare_}) {
    for (const AlignedBuffer& buffer : *buffers) floats += buffer.size();
  }
  return floats;
}

std::vector<NodeValues> GradientTree::nodes() {
  std::vector<NodeValues> values;
  for (Node& node : nodes_) values.push_back({node.place, node.sum.data()});
  return values;
}

}  // namespace reckon
