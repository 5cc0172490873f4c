#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "outcome.h"

namespace reckon::selftest {

/// One side of a comparison, with the word that messages name it by.
template <class T>
struct Side {
  std::string_view name;
  std::span<const T> values;
};

/// The comparisons of one property, bit by bit. The first difference is kept.
///
/// So that anybody can see that a comparison is made, RECKON_SELFTEST_BREAK=NAME:2 in the environment flips
/// one bit of the right side in the second comparison of the property NAME; without a number in the first.
class Comparison {
 public:
  /// \param property  its name in the table \throws Error(usage) where RECKON_SELFTEST_BREAK is not NAME or
  /// NAME:number
  explicit Comparison(std::string_view property);

  /// Values that are the same bits; -0 is not 0, and a NaN is itself. Sides without values have nothing to
  /// compare, which is a difference too. \param what  names them in messages
  void floats(const std::string& what, Side<float> left, Side<float> right);
  void tokens(const std::string& what, Side<std::uint32_t> left, Side<std::uint32_t> right);
  void text(const std::string& what, const std::string& left_name, const std::string& left,
            const std::string& right_name, const std::string& right);
  /// For what is compared elsewhere: counts as a comparison, and says whether it is the one to break.
  [[nodiscard]] bool breaks_next();
  /// For what is no comparison: the property does not hold.
  void fail(const std::string& detail);
  /// The property cannot be looked at here. \param needs  what that would need
  void skip(std::string needs) { skipped_ = std::move(needs); }

  [[nodiscard]] bool has_failed() const { return !detail_.empty(); }
  [[nodiscard]] std::size_t num_values() const { return num_values_; }
  /// \param compared  what was compared, in a few words
  [[nodiscard]] Outcome outcome(std::string compared) const;

 private:
  template <class T>
  void compare(const std::string& what, Side<T> left, Side<T> right);

  std::size_t break_at_ = 0;  // 0: none
  std::size_t number_ = 0;    // of the last comparison
  std::size_t num_values_ = 0;
  std::string detail_, skipped_;
};

/// What RECKON_SELFTEST_BREAK names, and which of its comparisons; an empty name where it is not set.
/// \throws Error(usage) where it is not NAME or NAME:number.
struct Breakage {
  std::string property;
  std::size_t number = 1;
};
[[nodiscard]] Breakage breakage();

}  // namespace reckon::selftest
