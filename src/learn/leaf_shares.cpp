#include "reckon/learn/leaf_shares.h"

#include <algorithm>
#include <numeric>

namespace reckon {
namespace {

/// Fills one share after the other up to `most`. \return whether `ranks` shares hold all
bool fill_shares(std::span<const std::int64_t> weights, std::int64_t most, int ranks,
                 std::vector<Range>& shares) {
  shares.clear();
  std::int64_t next = 0;
  const auto count = static_cast<std::int64_t>(weights.size());
  for (int rank = 0; rank < ranks; ++rank) {
    const std::int64_t begin = next;
    for (std::int64_t left = most; next < count; ++next) {
      left -= weights[static_cast<std::size_t>(next)];
      if (left < 0) break;
    }
    shares.push_back({begin, next});
  }
  return next == count;
}

/// Rows of a leaf: neighbours with one prompt share its rows, and a completion's last token is none.
std::int64_t rows_of(std::span<const TrainSequence> leaf) {
  std::size_t rows = 0;
  for (std::size_t i = 0; i < leaf.size(); ++i) {
    if (i == 0 || !std::ranges::equal(leaf[i].prompt, leaf[i - 1].prompt)) rows += leaf[i].prompt.size();
    if (!leaf[i].completion.empty()) rows += leaf[i].completion.size() - 1;
  }
  return static_cast<std::int64_t>(rows);
}

}  // namespace

std::vector<Range> cut_by_weight(std::span<const std::int64_t> weights, int ranks) {
  std::int64_t low = weights.empty() ? 0 : *std::ranges::max_element(weights);
  std::int64_t high = std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  std::vector<Range> shares;
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    if (fill_shares(weights, middle, ranks, shares)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  fill_shares(weights, low, ranks, shares);
  return shares;
}

std::vector<Range> leaf_shares(std::span<const TrainSequence> sequences, std::int64_t leaf_sequences,
                               int ranks) {
  const auto size = static_cast<std::size_t>(leaf_sequences);
  std::vector<std::int64_t> rows;
  for (std::size_t first = 0; first < sequences.size(); first += size)
    rows.push_back(rows_of(sequences.subspan(first, std::min(size, sequences.size() - first))));
  return cut_by_weight(rows, ranks);
}

}  // namespace reckon
