#pragma once

#include <cstdint>
#include <vector>

#include "reckon/model/decoder.h"

namespace reckon::testing {

/// Logits of every token of one sequence, [T][V].
inline std::vector<float> all_logits(const Decoder& model, const std::vector<std::uint32_t>& ids) {
  PackedRows rows;
  for (std::size_t i = 0; i < ids.size(); ++i) rows.add(ids[i], 0, static_cast<std::int32_t>(i));
  LayerCaches caches;
  const std::vector<std::int64_t> capacities{static_cast<std::int64_t>(ids.size())};
  model.reset_caches(caches, capacities);
  Activations activations;
  std::vector<float> hidden(ids.size() * static_cast<std::size_t>(model.config().hidden_size));
  model.forward(rows, caches, activations, hidden);
  std::vector<float> logits(ids.size() * static_cast<std::size_t>(model.config().vocab_size));
  model.logits(hidden, logits);
  return logits;
}

}  // namespace reckon::testing
