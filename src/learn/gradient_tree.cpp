#include "reckon/learn/gradient_tree.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "reckon/ops/adamw.h"

namespace reckon {
namespace {

struct NodeHeader {
  std::int64_t level;
  std::int64_t index;
};

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

void GradientTree::reduce(Communicator& world, std::span<float> total) {
  constexpr int kRoot = 0;
  if (world.size() > 1) {
    std::string message;
    for (Node& node : nodes_) {
      const NodeHeader header{node.level, node.index};
      message.append(reinterpret_cast<const char*>(&header), sizeof header);
      message.append(reinterpret_cast<const char*>(node.sum.data()), size_ * sizeof(float));
    }
    const std::vector<std::string> parts =
        world.gather(world.rank() == kRoot ? std::string_view() : message, kRoot);
    const std::size_t stride = sizeof(NodeHeader) + size_ * sizeof(float);
    for (const std::string& part : parts) {
      for (std::size_t at = 0; at < part.size(); at += stride) {
        NodeHeader header{};
        std::memcpy(&header, part.data() + at, sizeof header);
        Node node{header.level, header.index, take_buffer()};
        std::memcpy(node.sum.data(), part.data() + at + sizeof header, size_ * sizeof(float));
        add_node(std::move(node));
      }
    }
  }
  if (world.rank() == kRoot) {
    // What is left has no right sibling: fold from the right.
    while (nodes_.size() >= 2) {
      add_to(nodes_[nodes_.size() - 2].sum, nodes_.back().sum);
      spare_.push_back(std::move(nodes_.back().sum));
      nodes_.pop_back();
    }
    if (nodes_.empty()) {
      std::fill(total.begin(), total.end(), 0.0f);
    } else {
      std::copy_n(nodes_.front().sum.data(), size_, total.data());
    }
  }
  for (Node& node : nodes_) spare_.push_back(std::move(node.sum));
  nodes_.clear();
  world.broadcast(std::as_writable_bytes(total), kRoot);
}

}  // namespace reckon
