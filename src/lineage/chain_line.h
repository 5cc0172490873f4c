#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "reckon/lineage/chain.h"

namespace reckon {

/// A value as it stands in the file; differs for all that differs, -0.0 and 0.0, 1 and 1.0 among it.
[[nodiscard]] std::string value_text(const ChainEvent::Value& value);

/// The line of an event without its "link". \throws Error(internal) for a number that is not finite, a name
/// that stands twice or is ours, a text that is no UTF-8.
[[nodiscard]] std::string chain_body(const ChainEvent& event, const std::string& where);

/// The link that a line makes behind another.
[[nodiscard]] std::string chain_link(const std::string& before, std::string_view body);

/// The line with its link, without its line feed.
[[nodiscard]] std::string chain_text(std::string_view body, const std::string& link);

/// Reads the lines of a chain one after the other.
class ChainReader {
 public:
  /// \param text  outlives the reader \param where  names the file \param link  the one before the first line
  ChainReader(std::string_view text, std::string where, std::string link = std::string(kFirstChainLink));

  /// The next line; none at the end, where a line without its line feed is left out.
  /// \throws Error(bad_data) `<where>:<line>: ...`
  std::optional<ChainLine> next();

  [[nodiscard]] const std::string& link() const { return link_; }
  /// Of the lines read so far, in bytes.
  [[nodiscard]] std::uint64_t end() const { return end_; }

 private:
  std::string_view text_;
  std::string where_;
  std::string link_;
  std::uint64_t number_ = 0;
  std::uint64_t end_ = 0;
};

}  // namespace reckon
