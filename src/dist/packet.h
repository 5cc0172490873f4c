#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// A message on its way between ports: a head says how long it is and where it goes on to. Short ones are in
/// the head, long ones follow it.
struct Packet {
  int from = 0;                          ///< the rank that wrote it
  std::vector<int> route;                ///< ranks that get it from the receiver on
  std::uint64_t size = 0;                ///< of the payload
  std::shared_ptr<std::string> payload;  ///< [size]; shared by those that pass it on

  static constexpr std::size_t kInlineBytes = 1024;
  [[nodiscard]] bool is_inline() const { return size <= kInlineBytes; }
};

[[nodiscard]] std::string as_head(const Packet& packet);
/// The reverse; without a payload where it follows. Nothing where the text is no head.
[[nodiscard]] std::optional<Packet> from_head(std::string_view head);

}  // namespace reckon
