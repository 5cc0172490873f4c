#pragma once

#include <vector>

namespace reckon {

inline constexpr char32_t kLastCodePoint = 0x10FFFF;

/// A set of code points.
class CodePointSet {
 public:
  /// Both ends belong to it.
  struct Range {
    char32_t first = 0;
    char32_t last = 0;
    bool operator==(const Range&) const = default;
  };

  CodePointSet() = default;
  /// The union of the ranges, which may be in any order and overlap.
  explicit CodePointSet(std::vector<Range> ranges);

  /// Sorted; none touches the next.
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
  [[nodiscard]] bool contains(char32_t code_point) const;
  [[nodiscard]] CodePointSet complement() const;
  [[nodiscard]] CodePointSet united(const CodePointSet& other) const;

 private:
  std::vector<Range> ranges_;
};

}  // namespace reckon
