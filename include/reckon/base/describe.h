#pragma once

#include <array>
#include <limits>
#include <string_view>
#include <utility>

namespace reckon {

/// How a configuration struct declares its settings. The struct stands beside what it configures; beside it
/// stands
///
///     template <class Visitor>
///     void describe(Visitor& visit, LossConfig& config) {
///       visit("clip_eps_low", config.clip_eps_low, at_least(0.0), "epsilon of Eq. 3, lower side");
///       visit("loss_normalise", config.loss_normalise, any(), "what the summed loss is divided by");
///     }
///
/// and nothing else defines a setting: reading a recipe, its checks, `recipe show` and `recipe docs` are
/// visitors. Types of members: bool, std::int64_t, double, std::string, an enum with enum_names(),
/// std::vector of those, a struct with its own describe() (a TOML table), std::vector of such structs (an
/// array of tables).
struct Bounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool low_open = false;   ///< low itself is not allowed
  bool high_open = false;  ///< high itself is not allowed
  bool required = false;   ///< there is no default: the recipe must say it
};

[[nodiscard]] constexpr Bounds any() {
  return {};
}
[[nodiscard]] constexpr Bounds at_least(double low) {
  return {.low = low};
}
[[nodiscard]] constexpr Bounds above(double low) {
  return {.low = low, .low_open = true};
}
[[nodiscard]] constexpr Bounds between(double low, double high) {
  return {.low = low, .high = high};
}
[[nodiscard]] constexpr Bounds required(Bounds bounds = {}) {
  bounds.required = true;
  return bounds;
}

/// Whether a visitor sees the settings, too, that others of the struct leave unused. One that writes values
/// out does not: it has a kUsedOnly.
template <class Visitor>
[[nodiscard]] constexpr bool sees_unused() {
  return !requires {
    Visitor::kUsedOnly;
  };
}

/// Names of an enum's values in recipes and logs: an overload found by argument-dependent look-up, for
/// example
///     constexpr auto enum_names(AdvantageScale) {
///       return std::array{EnumName{AdvantageScale::group_std, "group_std"}, EnumName{AdvantageScale::none,
///       "none"}};
///     }
template <class Enum>
struct EnumName {
  Enum value;
  std::string_view name;
};
template <class Enum>
EnumName(Enum, const char*) -> EnumName<Enum>;

/// The name of a value that has one, else "?".
template <class Enum>
[[nodiscard]] constexpr std::string_view enum_name(Enum value) {
  for (const auto& entry : enum_names(value)) {
    if (entry.value == value) return entry.name;
  }
  return "?";
}

}  // namespace reckon
