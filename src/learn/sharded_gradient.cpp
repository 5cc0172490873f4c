#include "reckon/learn/sharded_gradient.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "reckon/learn/parameter_part.h"
#include "reckon/ops/sums.h"

namespace reckon {

ShardedGradient::ShardedGradient(std::size_t parameters, Communicator& world)
    : world_(world), size_(static_cast<std::int64_t>(parameters)), tree_(parameters) {}

Range ShardedGradient::part_of(int rank) const {
  return parameter_part(size_, rank, world_.size());
}

void ShardedGradient::begin(std::int64_t num_leaves) {
  tree_.clear();
  pending_.clear();
  nodes_.clear();
  for (int rank = 0; rank < world_.size(); ++rank)
    nodes_.push_back(tree_nodes(share_of(num_leaves, rank, world_.size())));
  leaves_ = share_of(num_leaves, world_.rank(), world_.size());
  unsent_ = size_;
  if (leaves_.size() > 0) return;
  own_sum_.resize(static_cast<std::size_t>(part().size()));
  send_from(0);
}

void ShardedGradient::push(std::int64_t number, std::size_t first) {
  tree_.push(number, first);
  if (number + 1 == leaves_.end) send_from(static_cast<std::int64_t>(first));
}

/// Sends the buckets that lie behind `first`.
void ShardedGradient::send_from(std::int64_t first) {
  while (unsent_ > 0) {
    const std::int64_t begin = std::max<std::int64_t>(0, unsent_ - static_cast<std::int64_t>(kBucket));
    if (begin < first) break;
    start({begin, unsent_});
    unsent_ = begin;
  }
  take_those_done();
}

/// Sends each rank what this one has of its part of a bucket: node by node.
void ShardedGradient::start(Range bucket) {
  if (pending_.size() == kMostInFlight) take_first();
  const std::vector<NodeValues> nodes = tree_.nodes();
  std::vector<std::string> parts(static_cast<std::size_t>(world_.size()));
  for (int rank = 0; rank < world_.size(); ++rank) {
    const Range theirs = intersection(bucket, part_of(rank));
    if (rank == world_.rank() || theirs.size() == 0) continue;
    const std::size_t bytes = static_cast<std::size_t>(theirs.size()) * sizeof(float);
    std::string& message = parts[static_cast<std::size_t>(rank)];
    message.reserve(nodes.size() * bytes);
    for (const NodeValues& node : nodes)
      message.append(reinterpret_cast<const char*>(node.sum + theirs.begin), bytes);
  }
  pending_.push_back({bucket, world_.start_all_to_all(std::move(parts))});
}

void ShardedGradient::take_those_done() {
  while (!pending_.empty() && pending_.front().exchange->is_done()) take_first();
}

void ShardedGradient::take_first() {
  Pending first = std::move(pending_.front());
  pending_.pop_front();
  std::vector<std::string> received = first.exchange->wait();
  const Range mine = intersection(first.bucket, part());
  if (mine.size() > 0) add(mine, std::move(received));
}

/// Adds what all ranks have of `mine`, which lies in this rank's part.
void ShardedGradient::add(Range mine, std::vector<std::string> received) {
  const auto count = static_cast<std::size_t>(mine.size());
  std::vector<NodeValues> values;
  for (std::size_t rank = 0; rank < nodes_.size(); ++rank) {
    if (rank == static_cast<std::size_t>(world_.rank())) {
      for (const NodeValues& node : tree_.nodes()) values.push_back({node.node, node.sum + mine.begin});
      continue;
    }
    const std::size_t expected = nodes_[rank].size() * count * sizeof(float);
    if (received[rank].size() != expected) {
      throw std::logic_error("ShardedGradient: rank " + std::to_string(rank) + " sent " +
                             std::to_string(received[rank].size()) + " bytes (need " +
                             std::to_string(expected) + "). Do all ranks have the same list of sequences?");
    }
    auto* sums = reinterpret_cast<float*>(received[rank].data());
    for (std::size_t i = 0; i < nodes_[rank].size(); ++i)
      values.push_back({nodes_[rank][i], sums + i * count});
  }
  const std::span<float> sum = sum_of(mine);
  if (values.empty()) {
    std::fill(sum.begin(), sum.end(), 0.0f);
    return;
  }
  sum_up_tree(values, count);
  if (values.front().sum != sum.data()) std::copy_n(values.front().sum, count, sum.begin());
}

/// Where the sum of a range of this rank's part lies.
std::span<float> ShardedGradient::sum_of(Range mine) {
  const auto count = static_cast<std::size_t>(mine.size());
  if (leaves_.size() > 0) return {tree_.nodes().front().sum + mine.begin, count};
  return own_sum_.span().subspan(static_cast<std::size_t>(mine.begin - part().begin), count);
}

double sum_of_squares_over_ranks(Communicator& world, std::span<const float> part) {
  const std::vector<double> mine = squares_of_blocks(part);
  double total = 0;
  for (const std::string& rank :
       world.all_gather({reinterpret_cast<const char*>(mine.data()), mine.size() * sizeof(double)})) {
    for (std::size_t at = 0; at < rank.size(); at += sizeof(double)) {
      double block;
      std::memcpy(&block, rank.data() + at, sizeof block);
      total += block;
    }
  }
  return total;
}

std::span<float> ShardedGradient::finish() {
  while (!pending_.empty()) take_first();
  return sum_of(part());
}

}  // namespace reckon
