#include "reckon/ops/embedding.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace reckon {

void embedding(std::span<const float> table, std::int64_t width, std::span<const std::uint32_t> token_ids,
               std::span<float> x) {
  const std::int64_t vocab = static_cast<std::int64_t>(table.size()) / width;
  for (std::size_t t = 0; t < token_ids.size(); ++t) {
    const std::int64_t id = token_ids[t];
    if (id >= vocab) {
      throw std::invalid_argument("embedding: token " + std::to_string(id) + " of a vocabulary of " +
                                  std::to_string(vocab));
    }
    std::copy_n(table.data() + id * width, width, x.data() + static_cast<std::int64_t>(t) * width);
  }
}

void embedding_backward(std::span<const float> dx, std::int64_t width,
                        std::span<const std::uint32_t> token_ids, std::span<float> dtable) {
  for (std::size_t t = 0; t < token_ids.size(); ++t) {
    float* to = dtable.data() + static_cast<std::int64_t>(token_ids[t]) * width;
    const float* from = dx.data() + static_cast<std::int64_t>(t) * width;
    for (std::int64_t i = 0; i < width; ++i) to[i] += from[i];
  }
}

}  // namespace reckon
