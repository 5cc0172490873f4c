#pragma once

#include <cstdint>

namespace reckon {

/// Tags of the messages from rank to rank on the communicators of `MpiCommunicator`. MPI promises 32768 of
/// them.
inline constexpr int kNoticeTag = 1;
inline constexpr int kFirstExchangeTag = 16;
inline constexpr int kNumExchangeTags = 16384;

/// A collective's messages are told from those of others that are under way by its number.
inline int exchange_tag(std::uint64_t number) {
  return kFirstExchangeTag + static_cast<int>(number % kNumExchangeTags);
}

}  // namespace reckon
