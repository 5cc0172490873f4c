#include "dist/packet.h"

#include <gtest/gtest.h>

namespace reckon {
namespace {

Packet packet_of(const std::string& text, std::vector<int> route) {
  return {3, std::move(route), text.size(), std::make_shared<std::string>(text)};
}

TEST(PacketHead, ComesBackWithAShortPayload) {
  for (const std::string& text :
       {std::string(), std::string("a\0b", 3), std::string(Packet::kInlineBytes, 'x')}) {
    for (const std::vector<int>& route :
         {std::vector<int>{}, std::vector<int>{5}, std::vector<int>{7, 0, 2}}) {
      const auto packet = from_head(as_head(packet_of(text, route)));
      ASSERT_TRUE(packet.has_value());
      EXPECT_EQ(packet->from, 3);
      EXPECT_EQ(packet->route, route);
      EXPECT_EQ(packet->size, text.size());
      ASSERT_NE(packet->payload, nullptr);
      EXPECT_EQ(*packet->payload, text);
    }
  }
}

TEST(PacketHead, AnnouncesALongPayload) {
  const std::string text(Packet::kInlineBytes + 1, 'x');
  const std::string head = as_head(packet_of(text, {1}));
  EXPECT_LT(head.size(), 64U);
  const auto packet = from_head(head);
  ASSERT_TRUE(packet.has_value());
  EXPECT_EQ(packet->size, text.size());
  EXPECT_EQ(packet->route, std::vector<int>{1});
  EXPECT_EQ(packet->payload, nullptr);
}

TEST(PacketHead, IsNothingWhereBytesAreMissingOrTooMany) {
  const std::string head = as_head(packet_of("text", {1, 2}));
  for (std::size_t length = 0; length < head.size(); ++length) {
    EXPECT_FALSE(from_head(head.substr(0, length)).has_value()) << length;
  }
  EXPECT_FALSE(from_head(head + "x").has_value());
  std::string negative = head;
  negative[15] = static_cast<char>(0xff);  // the length of the route
  EXPECT_FALSE(from_head(negative).has_value());
}

}  // namespace
}  // namespace reckon
