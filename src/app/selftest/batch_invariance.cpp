// Whether a row's logits depend on anything but its sequence: on the batch, its place there, or how many of
// the sequence's rows are computed at once.
#include <algorithm>
#include <limits>

#include "checks.h"
#include "small_models.h"

namespace reckon::selftest {
namespace {

using Ids = std::vector<std::uint32_t>;

constexpr std::int64_t kAllRows = std::numeric_limits<std::int32_t>::max();

/// How sequences are computed: which of them together, and how many rows of each in a pass.
struct Batching {
  std::string name;
  std::size_t sequences = 1;
  bool backwards = false;  ///< the last sequence first
  std::int64_t rows = kAllRows;
};

const std::vector<Batching>& batchings() {
  static const std::vector<Batching> all = {{"in twos", 2},
                                            {"in fives", 5},
                                            {"all together", 12},
                                            {"in sevens, the last first", 7, true},
                                            {"all together, 7 rows at a time", 12, false, 7},
                                            {"all together, token by token", 12, true, 1}};
  return all;
}

/// Adds the logits of some sequences' rows to those of each. \param numbers  of the sequences of the batch
void compute_batch(const Decoder& decoder, const std::vector<Ids>& sequences,
                   const std::vector<std::size_t>& numbers, std::int64_t rows_at_once,
                   std::vector<std::vector<float>>& logits) {
  KvCache cache;
  Activations activations;
  std::int64_t blocks = 0, longest = 0;
  for (const std::size_t number : numbers) {
    const auto length = static_cast<std::int64_t>(sequences[number].size());
    blocks += KvBlocks::blocks_for(length);
    longest = std::max(longest, length);
  }
  decoder.reset_cache(cache, blocks);
  std::vector<std::int32_t> slots;
  for (const std::size_t number : numbers) {
    slots.push_back(cache.open(static_cast<std::int64_t>(sequences[number].size())));
  }
  for (std::int64_t first = 0; first < longest; first += rows_at_once) {
    PackedRows rows;
    std::vector<std::size_t> owner;  // of each row
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const Ids& ids = sequences[numbers[i]];
      const std::int64_t end = std::min(first + rows_at_once, static_cast<std::int64_t>(ids.size()));
      for (std::int64_t position = first; position < end; ++position) {
        rows.add(ids[static_cast<std::size_t>(position)], slots[i], static_cast<std::int32_t>(position));
        owner.push_back(numbers[i]);
      }
    }
    std::vector<float> hidden(rows.size() * static_cast<std::size_t>(decoder.config().hidden_size));
    decoder.forward(rows, cache, activations, hidden);
    const auto vocab = static_cast<std::size_t>(decoder.num_logits());
    std::vector<float> all(rows.size() * vocab);
    decoder.logits(hidden, all);
    for (std::size_t row = 0; row < owner.size(); ++row) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(row * vocab);
      logits[owner[row]].insert(logits[owner[row]].end(), begin, begin + static_cast<std::ptrdiff_t>(vocab));
    }
  }
}

/// The logits of each sequence, row by row.
std::vector<std::vector<float>> logits_of(const Decoder& decoder, const std::vector<Ids>& sequences,
                                          const Batching& batching) {
  std::vector<std::vector<float>> logits(sequences.size());
  for (std::size_t first = 0; first < sequences.size(); first += batching.sequences) {
    std::vector<std::size_t> numbers;
    for (std::size_t i = first; i < std::min(first + batching.sequences, sequences.size()); ++i) {
      numbers.push_back(batching.backwards ? sequences.size() - 1 - i : i);
    }
    compute_batch(decoder, sequences, numbers, batching.rows, logits);
  }
  return logits;
}

}  // namespace

std::string check_batch_invariance(SelfTest&, Comparison& comparison) {
  const SmallSequences small;
  std::vector<Ids> sequences;
  for (const TrainSequence& sequence : small.sequences()) {
    Ids ids(sequence.prompt.begin(), sequence.prompt.end());
    ids.insert(ids.end(), sequence.completion.begin(), sequence.completion.end());
    sequences.push_back(std::move(ids));
  }
  std::size_t models = 0;
  for_each_model([&](const SmallModel& model) {
    ++models;
    const auto alone = logits_of(*model.decoder, sequences, {"alone", 1});
    for (const Batching& batching : batchings()) {
      const auto together = logits_of(*model.decoder, sequences, batching);
      for (std::size_t i = 0; i < sequences.size(); ++i) {
        comparison.floats(model.name + ", logits of sequence " + std::to_string(i), {"alone", alone[i]},
                          {batching.name, together[i]});
      }
    }
  });
  return "logits alone and in " + std::to_string(batchings().size()) + " batchings, " +
         std::to_string(models) + " models";
}

}  // namespace reckon::selftest
