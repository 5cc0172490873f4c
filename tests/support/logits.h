#pragma once

#include <cstdint>
#include <vector>

#include "reckon/model/decoder.h"

namespace reckon::testing {

/// Logits of every token of one sequence, [T][V].
inline std::vector<float> all_logits(const Decoder& model, const std::vector<std::uint32_t>& ids) {
  KvCache cache;
  const auto length = static_cast<std::int64_t>(ids.size());
  model.reset_cache(cache, KvCache::blocks_for(length));
  const std::int32_t slot = cache.open(length);
  PackedRows rows;
  for (std::size_t i = 0; i < ids.size(); ++i) rows.add(ids[i], slot, static_cast<std::int32_t>(i));
  Activations activations;
  std::vector<float> hidden(ids.size() * static_cast<std::size_t>(model.config().hidden_size));
  model.forward(rows, cache, activations, hidden);
  std::vector<float> logits(ids.size() * static_cast<std::size_t>(model.config().vocab_size));
  model.logits(hidden, logits);
  return logits;
}

}  // namespace reckon::testing
