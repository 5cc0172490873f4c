#include "reckon/learn/sharded_adamw.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "reckon/base/failpoint.h"
#include "reckon/learn/parameter_part.h"
#include "reckon/learn/sharded_gradient.h"

namespace reckon {
namespace {

/// The values of a range of the whole in a span that begins at `origin` of it.
template <class T>
std::span<T> values_of(std::span<T> values, Range range, std::int64_t origin) {
  return values.subspan(static_cast<std::size_t>(range.begin - origin),
                        static_cast<std::size_t>(range.size()));
}

}  // namespace

ShardedAdamW::ShardedAdamW(std::size_t parameters, Communicator& world)
    : world_(world), size_(static_cast<std::int64_t>(parameters)) {
  for (AlignedBuffer* moment : {&first_moment_, &second_moment_})
    moment->resize(static_cast<std::size_t>(part().size()));
}

Range ShardedAdamW::part_of(int rank) const {
  return parameter_part(size_, rank, world_.size());
}

/// A piece of each rank's part; together they are a bucket of the parameters.
Range ShardedAdamW::piece_of(std::int64_t piece, int rank) const {
  const std::int64_t length = std::max<std::int64_t>(1, static_cast<std::int64_t>(kBucket) / world_.size());
  const Range part = part_of(rank);
  const std::int64_t begin = part.begin + piece * length;
  return intersection(part, {begin, begin + length});
}

std::int64_t ShardedAdamW::num_pieces() const {
  std::int64_t pieces = 0;
  for (int rank = 0; rank < world_.size(); ++rank) {
    while (piece_of(pieces, rank).size() > 0) ++pieces;
  }
  return pieces;
}

void ShardedAdamW::update(Decoder& decoder, std::span<const float> gradient, const AdamWStep& step) {
  const std::span<float> parameters = decoder.parameters();
  const std::int64_t pieces = num_pieces();
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    update_range(decoder, piece_of(piece, world_.rank()), gradient, step);
    send(piece, parameters);
    while (!pending_.empty() && pending_.front().exchange->is_done()) take_first(parameters);
  }
  while (!pending_.empty()) take_first(parameters);
}

void ShardedAdamW::update_range(Decoder& decoder, Range range, std::span<const float> gradient,
                                const AdamWStep& step) {
  const std::int64_t origin = part().begin;
  AdamWStep own = step;
  for (const ParameterTensor& tensor : decoder.tensors()) {
    const auto begin = static_cast<std::int64_t>(tensor.offset);
    const Range common = intersection(range, {begin, begin + static_cast<std::int64_t>(tensor.size)});
    if (common.size() > 0) {
      own.weight_decay = tensor.kind == ParameterKind::matrix ? step.weight_decay : 0.0;
      adamw(values_of(decoder.parameters(), common, 0), values_of(gradient, common, origin),
            values_of(first_moment_.span(), common, origin), values_of(second_moment_.span(), common, origin),
            own);
    }
    failpoint("learn.tensor");
  }
}

/// Gives this rank's piece to the others.
void ShardedAdamW::send(std::int64_t piece, std::span<float> parameters) {
  if (pending_.size() == kMostInFlight) take_first(parameters);
  const std::span<float> mine = values_of(parameters, piece_of(piece, world_.rank()), 0);
  std::vector<std::string> parts(static_cast<std::size_t>(world_.size()));
  for (int rank = 0; rank < world_.size(); ++rank) {
    if (rank == world_.rank()) continue;
    parts[static_cast<std::size_t>(rank)].assign(reinterpret_cast<const char*>(mine.data()),
                                                 mine.size_bytes());
  }
  pending_.push_back({piece, world_.start_all_to_all(std::move(parts))});
}

void ShardedAdamW::take_first(std::span<float> parameters) {
  const Pending first = std::move(pending_.front());
  pending_.pop_front();
  const std::vector<std::string> received = first.exchange->wait();
  for (int rank = 0; rank < world_.size(); ++rank) {
    if (rank == world_.rank()) continue;
    const std::string& message = received[static_cast<std::size_t>(rank)];
    const std::span<float> theirs = values_of(parameters, piece_of(first.piece, rank), 0);
    if (message.size() != theirs.size_bytes()) {
      throw std::logic_error("ShardedAdamW: rank " + std::to_string(rank) + " sent " +
                             std::to_string(message.size()) + " bytes of parameters (need " +
                             std::to_string(theirs.size_bytes()) + ")");
    }
    if (!message.empty()) std::memcpy(theirs.data(), message.data(), message.size());
  }
}

void ShardedAdamW::copy_moments(Range part_asked, std::span<float> first, std::span<float> second) const {
  const Range mine = part();
  if (part_asked.begin < mine.begin || part_asked.end > mine.end) {
    throw std::invalid_argument("ShardedAdamW: moments of parameters " + std::to_string(part_asked.begin) +
                                " to " + std::to_string(part_asked.end) + " (this rank has " +
                                std::to_string(mine.begin) + " to " + std::to_string(mine.end) + ")");
  }
  std::ranges::copy(values_of(first_moment_.span(), part_asked, mine.begin), first.begin());
  std::ranges::copy(values_of(second_moment_.span(), part_asked, mine.begin), second.begin());
}

void ShardedAdamW::restore(std::span<const float> first, std::span<const float> second) {
  std::ranges::copy(values_of(first, part(), 0), first_moment_.span().begin());
  std::ranges::copy(values_of(second, part(), 0), second_moment_.span().begin());
}

}  // namespace reckon
