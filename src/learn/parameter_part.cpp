#include "reckon/learn/parameter_part.h"

#include <algorithm>

#include "reckon/ops/sums.h"

namespace reckon {

Range parameter_part(std::int64_t parameters, int rank, int size) {
  constexpr auto kBlock = static_cast<std::int64_t>(kSquaresBlock);
  const Range blocks = share_of((parameters + kBlock - 1) / kBlock, rank, size);
  return {std::min(blocks.begin * kBlock, parameters), std::min(blocks.end * kBlock, parameters)};
}

Range intersection(Range a, Range b) {
  const std::int64_t begin = std::clamp(b.begin, a.begin, a.end);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

}  // namespace reckon
