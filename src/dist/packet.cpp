#include "packet.h"

#include <cstring>

namespace reckon {
namespace {

/// Ranks of a job have the same byte order: they run one binary.
struct Head {
  std::uint64_t size = 0;
  std::int32_t from = 0;
  std::int32_t route_length = 0;
};

}  // namespace

std::string as_head(const Packet& packet) {
  const Head head{packet.size, packet.from, static_cast<std::int32_t>(packet.route.size())};
  std::string text(sizeof head, '\0');
  std::memcpy(text.data(), &head, sizeof head);
  text.append(reinterpret_cast<const char*>(packet.route.data()), packet.route.size() * sizeof(int));
  if (packet.is_inline()) text += *packet.payload;
  return text;
}

std::optional<Packet> from_head(std::string_view text) {
  Head head;
  if (text.size() < sizeof head) return std::nullopt;
  std::memcpy(&head, text.data(), sizeof head);
  text.remove_prefix(sizeof head);
  const auto route_length = static_cast<std::size_t>(head.route_length);
  if (head.route_length < 0 || route_length > text.size() / sizeof(int)) return std::nullopt;
  Packet packet{head.from, std::vector<int>(route_length), head.size, nullptr};
  if (route_length > 0) std::memcpy(packet.route.data(), text.data(), route_length * sizeof(int));
  text.remove_prefix(route_length * sizeof(int));
  if (text.size() != (packet.is_inline() ? head.size : 0)) return std::nullopt;
  if (packet.is_inline()) packet.payload = std::make_shared<std::string>(text);
  return packet;
}

}  // namespace reckon
