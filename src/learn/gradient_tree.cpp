#include "reckon/learn/gradient_tree.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "reckon/ops/sums.h"

namespace reckon {
namespace {

/// Parameters summed at once: what ranks hold of each other's gradients is a few of these, not whole
/// gradients.
constexpr std::size_t kChunk = std::size_t{1} << 20;

/// A node as the tree sees it: its place, and a chunk of its sum.
struct NodeChunk {
  std::int64_t level = 0;
  std::int64_t index = 0;
  float* sum = nullptr;
};

bool are_siblings(const NodeChunk& left, const NodeChunk& right) {
  return left.level == right.level && left.index % 2 == 0 && right.index == left.index + 1;
}

/// Adds chunks of `size` values up along the tree, in place of the first one. What is left without a right
/// sibling is folded from the right.
void sum_chunks(const std::vector<NodeChunk>& nodes, std::size_t size) {
  std::vector<NodeChunk> open;
  const auto fold_last = [&] {
    add_to({open[open.size() - 2].sum, size}, {open.back().sum, size});
    open.pop_back();
  };
  for (const NodeChunk& node : nodes) {
    open.push_back(node);
    while (open.size() >= 2 && are_siblings(open[open.size() - 2], open.back())) {
      fold_last();
      open.back().level += 1;
      open.back().index /= 2;
    }
  }
  while (open.size() >= 2) fold_last();
}

}  // namespace

AlignedBuffer GradientTree::take_buffer() {
  AlignedBuffer buffer;
  if (!spare_.empty()) {
    buffer = std::move(spare_.back());
    spare_.pop_back();
  }
  buffer.resize(size_);
  return buffer;
}

std::span<float> GradientTree::begin_leaf() {
  if (total_.size() > 0) spare_.push_back(std::move(total_));
  total_ = AlignedBuffer();
  leaf_ = take_buffer();
  std::fill_n(leaf_.data(), size_, 0.0f);
  return leaf_;
}

void GradientTree::push(std::int64_t number) {
  add_node({0, number, std::move(leaf_)});
}

void GradientTree::add_node(Node node) {
  nodes_.push_back(std::move(node));
  while (nodes_.size() >= 2) {
    Node& left = nodes_[nodes_.size() - 2];
    Node& right = nodes_.back();
    if (left.level != right.level || left.index % 2 != 0 || right.index != left.index + 1) break;
    add_to(left.sum, right.sum);
    left.level += 1;
    left.index /= 2;
    spare_.push_back(std::move(right.sum));
    nodes_.pop_back();
  }
}

std::span<float> GradientTree::reduce(Communicator& world) {
  constexpr int kRoot = 0;
  std::string places;
  for (const Node& node : nodes_) {
    const std::int64_t place[2] = {node.level, node.index};
    places.append(reinterpret_cast<const char*>(place), sizeof place);
  }
  const std::vector<std::string> all_places = world.gather(places, kRoot);
  // The sum takes the place of the first node: a buffer less for the largest thing there is.
  if (nodes_.empty() && total_.size() == 0) total_ = take_buffer();
  const std::span<float> total = nodes_.empty() ? total_.span() : nodes_.front().sum.span();
  for (std::size_t first = 0; first < size_; first += kChunk) {
    const auto chunk = total.subspan(first, std::min(kChunk, size_ - first));
    reduce_chunk(world, all_places, first, chunk);
    world.broadcast(std::as_writable_bytes(chunk), kRoot);
  }
  if (!nodes_.empty()) total_ = std::move(nodes_.front().sum);
  for (std::size_t i = 1; i < nodes_.size(); ++i) spare_.push_back(std::move(nodes_[i].sum));
  nodes_.clear();
  return total_;
}

void GradientTree::reduce_chunk(Communicator& world, const std::vector<std::string>& all_places,
                                std::size_t first, std::span<float> chunk) {
  constexpr int kRoot = 0;
  const bool is_root = world.rank() == kRoot;
  std::string mine;
  if (!is_root) {
    for (const Node& node : nodes_)
      mine.append(reinterpret_cast<const char*>(node.sum.data() + first), chunk.size_bytes());
  }
  std::vector<std::string> parts = world.gather(mine, kRoot);
  if (!is_root) return;
  std::vector<NodeChunk> chunks;
  for (std::size_t rank = 0; rank < all_places.size(); ++rank) {
    for (std::size_t i = 0; i * 2 * sizeof(std::int64_t) < all_places[rank].size(); ++i) {
      std::int64_t place[2];
      std::memcpy(place, all_places[rank].data() + i * sizeof place, sizeof place);
      float* sum = rank == kRoot ? nodes_[i].sum.data() + first
                                 : reinterpret_cast<float*>(parts[rank].data() + i * chunk.size_bytes());
      chunks.push_back({place[0], place[1], sum});
    }
  }
  if (chunks.empty()) {
    std::fill(chunk.begin(), chunk.end(), 0.0f);
    return;
  }
  sum_chunks(chunks, chunk.size());
  if (chunks.front().sum != chunk.data()) std::copy_n(chunks.front().sum, chunk.size(), chunk.begin());
}

}  // namespace reckon
