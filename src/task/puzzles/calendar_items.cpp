#include "calendar_items.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include "reckon/grade/extract.h"
#include "words_task.h"

namespace reckon {
namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr std::array<std::string_view, 7> kWeekdays{"Monday", "Tuesday",  "Wednesday", "Thursday",
                                                    "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 6> kAskNames{"weekday", "shift",         "time_sum",
                                                    "days",    "business_days", "time_span"};
constexpr std::int64_t kMaxShift = 1'000'000;
constexpr std::size_t kMaxItems = 16;

std::string_view name_of(CalendarAsk ask) {
  return kAskNames.at(static_cast<std::size_t>(ask));
}

/// 0 for Monday; 1970-01-01 was a Thursday.
std::int64_t weekday_of(std::int64_t day) {
  return ((day + 3) % 7 + 7) % 7;
}
std::string weekday_name(std::int64_t day) {
  return std::string(kWeekdays.at(static_cast<std::size_t>(weekday_of(day))));
}

std::string date_text(std::int64_t day) {
  const year_month_day date{sys_days{std::chrono::days{day}}};
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text.data();
}

std::string time_text(std::int64_t milliseconds) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%02d:%02d:%02d", static_cast<int>(milliseconds / 3'600'000),
                static_cast<int>(milliseconds / 60'000 % 60), static_cast<int>(milliseconds / 1000 % 60));
  if (milliseconds % 1000 == 0) return text.data();
  std::array<char, 8> fraction{};
  std::snprintf(fraction.data(), fraction.size(), ".%03d", static_cast<int>(milliseconds % 1000));
  return std::string(text.data()) + fraction.data();
}

/// Fields of digits with a separator between them; nothing where there are others than `count`.
template <std::size_t count>
std::optional<std::array<std::int64_t, count>> read_fields(std::string_view text, char separator) {
  std::array<std::int64_t, count> fields{};
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = i + 1 < count ? text.find(separator) : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    const auto field = words_digits(text.substr(0, end), 6);
    if (!field) return std::nullopt;
    fields[i] = *field;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return fields;
}

/// A date that there is, in the years 1 .. 9999.
std::optional<std::int64_t> read_date(std::string_view text) {
  const auto fields = read_fields<3>(text, '-');
  if (!fields || (*fields)[0] < 1 || (*fields)[0] > 9999) return std::nullopt;
  const year_month_day date{std::chrono::year{static_cast<int>((*fields)[0])},
                            std::chrono::month{static_cast<unsigned>((*fields)[1])},
                            std::chrono::day{static_cast<unsigned>((*fields)[2])}};
  if ((*fields)[1] > 12 || (*fields)[2] > 31 || !date.ok()) return std::nullopt;
  return sys_days{date}.time_since_epoch().count();
}

/// H:MM:SS, with a fraction of one to three digits or without; hours have at most three digits.
std::optional<std::int64_t> read_time(std::string_view text) {
  std::int64_t milliseconds = 0;
  if (const std::size_t point = text.find('.'); point != std::string_view::npos) {
    std::string digits(text.substr(point + 1));
    if (digits.empty() || digits.size() > 3) return std::nullopt;
    digits.resize(3, '0');
    const auto fraction = words_digits(digits, 3);
    if (!fraction) return std::nullopt;
    milliseconds = *fraction;
    text = text.substr(0, point);
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon > 3 || text.size() != colon + 6) return std::nullopt;
  const auto fields = read_fields<3>(text, ':');
  if (!fields || (*fields)[1] > 59 || (*fields)[2] > 59) return std::nullopt;
  return (((*fields)[0] * 60 + (*fields)[1]) * 60 + (*fields)[2]) * 1000 + milliseconds;
}

/// 1 for January 1st.
std::int64_t day_of_year(std::int64_t day) {
  const year_month_day date{sys_days{std::chrono::days{day}}};
  return day - calendar_day(static_cast<int>(date.year()), 1, 1) + 1;
}

/// Mondays to Fridays of the first `days` days from a weekday on.
std::int64_t working_days(std::int64_t from, std::int64_t days) {
  std::int64_t count = days / 7 * 5;
  for (std::int64_t i = 0; i < days % 7; ++i) count += (weekday_of(from) + i) % 7 < 5 ? 1 : 0;
  return count;
}

}  // namespace

std::int64_t calendar_day(int year, unsigned month, unsigned day) {
  return sys_days{year_month_day{std::chrono::year{year}, std::chrono::month{month}, std::chrono::day{day}}}
      .time_since_epoch()
      .count();
}

std::int64_t CalendarItem::value() const {
  switch (ask) {
    case CalendarAsk::weekday:
      return weekday_of(first);
    case CalendarAsk::days:
    case CalendarAsk::time_span:
      return second - first;
    case CalendarAsk::business_days:
      return working_days(first, second - first + 1);
    case CalendarAsk::shift:
    case CalendarAsk::time_sum:
      break;
  }
  return first + second;
}

std::string CalendarItem::written(std::int64_t result) const {
  if (ask == CalendarAsk::weekday) return std::string(kWeekdays.at(static_cast<std::size_t>(result % 7)));
  if (ask == CalendarAsk::shift) return date_text(result);
  return is_time() ? time_text(result) : std::to_string(result);
}

std::string_view CalendarItem::form() const {
  if (ask == CalendarAsk::weekday) return "Sunday";
  if (ask == CalendarAsk::shift) return "1789-07-14";
  return is_time() ? "100:59:59" : "0";  // never the result
}

std::string CalendarItem::question() const {
  switch (ask) {
    case CalendarAsk::weekday:
      return "Which day of the week is " + date_text(first) + "?";
    case CalendarAsk::shift:
      return "Which date is " + std::to_string(std::abs(second)) + " days " +
             (second > 0 ? "after " : "before ") + date_text(first) + "?";
    case CalendarAsk::days:
      return "How many days after " + date_text(first) + " is " + date_text(second) + "?";
    case CalendarAsk::business_days:
      return "How many days from Monday to Friday are there from " + date_text(first) + " to " +
             date_text(second) + ", both included? (Holidays count like other days.)";
    case CalendarAsk::time_sum:
      return "What is " + time_text(first) + " plus " + time_text(second) +
             ", in hours, minutes and seconds? (Hours go on above 24.)";
    case CalendarAsk::time_span:
      break;
  }
  return "How much time goes by from " + time_text(first) + " to " + time_text(second) + " of one day?";
}

std::string CalendarItem::steps() const {
  const std::string result = written(value());
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  switch (ask) {
    case CalendarAsk::weekday: {
      // 1899-12-31 was a Sunday and lies before all dates of the levels.
      const std::int64_t days = first - calendar_day(1899, 12, 31);
      return date_text(first) + " is " + number(days) + " days after Sunday 1899-12-31. " + number(days) +
             " = 7 * " + number(days / 7) + " + " + number(days % 7) + ", so it is a " + result + ".";
    }
    case CalendarAsk::shift:
      return date_text(first) + " is day " + number(day_of_year(first)) + " of its year. " +
             number(day_of_year(first)) + (second > 0 ? " + " : " - ") + number(std::abs(second)) + " = " +
             number(day_of_year(first) + second) + ", and day " + number(day_of_year(first) + second) +
             " counted from there is " + result + ".";
    case CalendarAsk::days: {
      const std::int64_t whole_years = second - day_of_year(second) - first + day_of_year(first);
      return "The days of their years are " + number(day_of_year(first)) + " and " +
             number(day_of_year(second)) + ", and these years begin " + number(whole_years) +
             " days apart. " + number(whole_years) + " + " + number(day_of_year(second)) + " - " +
             number(day_of_year(first)) + " = " + result + ".";
    }
    case CalendarAsk::business_days: {
      const std::int64_t days = second - first + 1;
      return "From " + date_text(first) + ", a " + weekday_name(first) + ", there are " + number(days) +
             " days = " + number(days / 7) + " weeks and " + number(days % 7) + " days. " + number(days / 7) +
             " * 5 + " + number(value() - days / 7 * 5) + " = " + result + ".";
    }
    case CalendarAsk::time_sum:
    case CalendarAsk::time_span:
      break;
  }
  const bool is_sum = ask == CalendarAsk::time_sum;
  const bool is_whole = first % 1000 == 0 && second % 1000 == 0;
  const auto count = [&](std::int64_t time) { return number(is_whole ? time / 1000 : time); };
  return (is_whole ? "In seconds: " : "In milliseconds: ") + count(is_sum ? first : second) +
         (is_sum ? " + " : " - ") + count(is_sum ? second : first) + " = " + count(value()) + ", that is " +
         result + ".";
}

nlohmann::json CalendarItem::spec() const {
  if (ask == CalendarAsk::weekday) return {name_of(ask), date_text(first)};
  if (ask == CalendarAsk::shift) return {name_of(ask), date_text(first), second};
  if (is_time()) return {name_of(ask), time_text(first), time_text(second)};
  return {name_of(ask), date_text(first), date_text(second)};
}

bool CalendarItem::is_right(std::string_view answer) const {
  if (ask == CalendarAsk::weekday) return words_lower(answer) == words_lower(written(value()));
  if (ask == CalendarAsk::shift) return read_date(answer) == value();
  if (is_time()) return read_time(answer) == value();
  for (const std::string_view unit : {"days", "day"}) {
    if (!answer.ends_with(unit)) continue;
    answer = trim_blanks(answer.substr(0, answer.size() - unit.size()));
    break;
  }
  return words_digits(answer, 9) == value();
}

std::vector<CalendarItem> read_calendar_items(const LogicSpec& spec) {
  std::vector<CalendarItem> items;
  for (const auto& entry : spec.list("items", 1, kMaxItems)) {
    const std::string where = "item " + std::to_string(items.size() + 1);
    const auto& parts = spec.list_of(entry, where, 2, 3);
    CalendarItem item;
    const std::string& name = spec.text_of(parts[0], where + "'s question", 20);
    const auto* const found = std::find(kAskNames.begin(), kAskNames.end(), name);
    if (found == kAskNames.end())
      spec.fail(where + " asks " + parts[0].dump() +
                " (need weekday, shift, time_sum, days, business_days or time_span)");
    item.ask = static_cast<CalendarAsk>(found - kAskNames.begin());
    if ((parts.size() == 2) != (item.ask == CalendarAsk::weekday))
      spec.fail(where + " has " + std::to_string(parts.size()) + " entries (need 2 for weekday, else 3)");
    const auto read = [&](const nlohmann::json& value) {
      const std::string& text = spec.text_of(value, where + "'s operand", 16);
      const auto result = item.is_time() ? read_time(text) : read_date(text);
      if (!result)
        spec.fail(where + " has " + value.dump() + " (need " +
                  (item.is_time() ? "a time HH:MM:SS)" : "a date YYYY-MM-DD)"));
      return *result;
    };
    item.first = read(parts[1]);
    if (item.ask == CalendarAsk::shift) {
      item.second = spec.integer_of(parts[2], where + "'s days", -kMaxShift, kMaxShift);
    } else if (parts.size() == 3) {
      item.second = read(parts[2]);
      if (item.second < item.first && item.ask != CalendarAsk::time_sum)
        spec.fail(where + " goes from " + parts[1].dump() + " back to " + parts[2].dump() +
                  " (need the earlier one first)");
    }
    items.push_back(item);
  }
  return items;
}

}  // namespace reckon
