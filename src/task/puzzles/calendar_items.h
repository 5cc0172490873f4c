#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "logic_spec.h"

namespace reckon {

inline constexpr std::int64_t kMillisecondsPerDay = 86'400'000;

enum class CalendarAsk { weekday, shift, time_sum, days, business_days, time_span };
/// In the order in which the levels take them up.
inline constexpr std::array kCalendarAsks{CalendarAsk::weekday,       CalendarAsk::time_sum,
                                          CalendarAsk::shift,         CalendarAsk::days,
                                          CalendarAsk::business_days, CalendarAsk::time_span};

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
[[nodiscard]] std::int64_t calendar_day(int year, unsigned month, unsigned day);

/// One question. Dates are days from 1970-01-01, times milliseconds from midnight.
struct CalendarItem {
  CalendarAsk ask = CalendarAsk::weekday;
  std::int64_t first = 0;   ///< date or time
  std::int64_t second = 0;  ///< date or time; for shift the days to go, back where negative

  [[nodiscard]] bool is_time() const { return ask == CalendarAsk::time_sum || ask == CalendarAsk::time_span; }
  /// The result: 0 .. 6 for Monday .. Sunday, a date, a number of days, or milliseconds.
  [[nodiscard]] std::int64_t value() const;
  /// A result as an answer writes it: Friday, 2024-03-01, 17, 26:03:00 or 26:03:00.250.
  [[nodiscard]] std::string written(std::int64_t result) const;
  [[nodiscard]] std::string_view form() const;
  [[nodiscard]] std::string question() const;
  [[nodiscard]] std::string steps() const;
  [[nodiscard]] nlohmann::json spec() const;
  /// Reads one entry of an answer: a weekday in full, a date with or without zeros in front, a number with or
  /// without "days", a time.
  [[nodiscard]] bool is_right(std::string_view answer) const;
};

/// The items of a spec: {"items": [["weekday", "2024-03-01"], ["shift", "2024-03-01", -45], ...]}.
[[nodiscard]] std::vector<CalendarItem> read_calendar_items(const LogicSpec& spec);

}  // namespace reckon
