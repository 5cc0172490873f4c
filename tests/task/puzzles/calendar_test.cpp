#include <map>

#include "puzzle_checks.h"

namespace reckon {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using testing::spec_error;

constexpr TaskKind kKind = TaskKind::calendar;

Grade grade_of(const std::string& item, std::string_view answer) {
  static const auto task = make_verifier(kKind);
  return task->grade("{\"items\":[" + item + "]}", answer);
}

TEST(Calendar, GradesDatesThatPeopleRemember) {
  // The moon landing of 1969-07-20 was on a Sunday; 2000 had a February 29th, 1900 and 2100 had and have
  // none.
  EXPECT_EQ(grade_of(R"(["weekday","1969-07-20"])", "Sunday"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["weekday","1969-07-20"])", "sunday."), Grade::equal);
  EXPECT_EQ(grade_of(R"(["weekday","1969-07-20"])", "Monday"), Grade::different);
  EXPECT_EQ(grade_of(R"(["shift","2000-02-28",1])", "2000-02-29"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["shift","2000-02-28",1])", "2000-2-29"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["shift","1900-02-28",1])", "1900-03-01"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["shift","2100-03-01",-1])", "2100-02-28"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["shift","1900-02-28",1])", "1900-02-29"), Grade::different);
  EXPECT_EQ(grade_of(R"(["days","2024-01-01","2025-01-01"])", "366"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["days","2024-01-01","2025-01-01"])", "366 days"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["days","1999-12-31","2000-01-01"])", "1 day"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["days","2023-01-01","2024-01-01"])", "366"), Grade::different);
  EXPECT_EQ(grade_of(R"(["days","2024-01-01","2025-01-01"])", "366 weeks"), Grade::different);
  // 2024-03-01 was a Friday: Friday, then Monday to Friday, then Monday
  EXPECT_EQ(grade_of(R"(["business_days","2024-03-01","2024-03-11"])", "7"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["business_days","2024-03-02","2024-03-03"])", "0"), Grade::equal);
}

TEST(Calendar, GradesTimes) {
  // 20:30:45.5 + 05:45:15.75 = 26:16:01.25
  const std::string sum = R"(["time_sum","20:30:45.500","05:45:15.750"])";
  EXPECT_EQ(grade_of(sum, "26:16:01.250"), Grade::equal);
  EXPECT_EQ(grade_of(sum, "26:16:01.25"), Grade::equal);
  EXPECT_EQ(grade_of(sum, "26:16:01"), Grade::different);
  EXPECT_EQ(grade_of(sum, "02:16:01.250"), Grade::different);
  EXPECT_EQ(grade_of(sum, "26:16:1.250"), Grade::different);
  EXPECT_EQ(grade_of(sum, "25:76:01.250"), Grade::different);
  EXPECT_EQ(grade_of(R"(["time_span","09:15:30","17:00:00"])", "7:44:30"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["time_span","09:15:30","17:00:00"])", "07:44:30.000"), Grade::equal);
  EXPECT_EQ(grade_of(R"(["time_span","09:15:30","17:00:00"])", "7:44:31"), Grade::different);
}

TEST(Calendar, WantsAllItemsInOrder) {
  const std::string items =
      R"(["weekday","1969-07-20"],["shift","2000-02-28",1],["days","2024-01-01","2025-01-01"])";
  for (const std::string_view right :
       {"Sunday, 2000-02-29, 366", "sunday\n2000-02-29\n366 days", "Sunday,2000-02-29,\n366."})
    EXPECT_EQ(grade_of(items, right), Grade::equal) << right;
  for (const std::string_view wrong :
       {"Sunday, 366, 2000-02-29", "Sunday, 2000-02-29", "Sunday, 2000-02-29, 366, 366",
        "Sunday 2000-02-29 366", "Sunday or Monday, 2000-02-29, 366", "Sunday, 2000-02-30, 366",
        "Sunday, 2000-02-29, 366.0", "Sunday, 2000-02-29, +366", "Sunday, 2000-02-29,, 366",
        "Sunday, 29 February 2000, 366", "Sun, 2000-02-29, 366", "Sunday, 2000/02/29, 366",
        "Sunday, 2000-00-29, 366", "Sunday, 2000-257-29, 366", "Sunday, -2000-02-29, 366",
        "1. Sunday, 2. 2000-02-29, 3. 366"}) {
    EXPECT_EQ(grade_of(items, wrong), Grade::different) << wrong;
  }
}

TEST(Calendar, RefusesHostileSpecs) {
  testing::check_hostile_specs(
      kKind,
      R"({"items":[["weekday","1969-07-20"],["shift","2000-02-28",1],["days","2024-01-01","2025-01-01"]]})",
      "Sunday, 2000-02-29, 366");
  EXPECT_EQ(spec_error(kKind, R"({"items":[["tides","1969-07-20"]]})"),
            "calendar: spec: item 1 asks \"tides\" (need weekday, shift, time_sum, days, business_days or "
            "time_span)");
  EXPECT_EQ(spec_error(kKind, R"({"items":[["weekday","1900-02-29"]]})"),
            "calendar: spec: item 1 has \"1900-02-29\" (need a date YYYY-MM-DD)");
  EXPECT_EQ(spec_error(kKind, R"({"items":[["time_sum","12:00","12:00:00"]]})"),
            "calendar: spec: item 1 has \"12:00\" (need a time HH:MM:SS)");
  EXPECT_EQ(
      spec_error(kKind, R"({"items":[["days","2024-01-02","2024-01-01"]]})"),
      "calendar: spec: item 1 goes from \"2024-01-02\" back to \"2024-01-01\" (need the earlier one first)");
  EXPECT_EQ(spec_error(kKind, R"({"items":[["shift","2024-01-02",1000001]]})"),
            "calendar: spec: item 1's days is 1000001 (need -1000000 .. 1000000)");
  EXPECT_EQ(spec_error(kKind, R"({"items":[["weekday","2024-01-02","2024-01-02"]]})"),
            "calendar: spec: item 1 has 3 entries (need 2 for weekday, else 3)");
}

/// A calendar of its own: walks from day to day with the rule for leap years.
struct Walker {
  int year = 1900;
  int month = 1;
  int day = 1;
  int weekday = 0;  // 1900-01-01 was a Monday

  void step() {
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    const int lengths[] = {31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    weekday = (weekday + 1) % 7;
    if (++day <= lengths[month - 1]) return;
    day = 1;
    if (++month <= 12) return;
    month = 1;
    ++year;
  }
  [[nodiscard]] std::string text() const {
    char buffer[40];
    std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02d", year, month, day);
    return buffer;
  }
};

struct Walked {
  std::map<std::string, std::size_t> number;
  std::vector<std::string> dates;
  std::vector<int> weekdays;
};

const Walked& walked() {
  static const Walked all = [] {
    Walked result;
    for (Walker walker; walker.year < 2800; walker.step()) {  // 100,000 days beyond 2400
      result.number[walker.text()] = result.dates.size();
      result.dates.push_back(walker.text());
      result.weekdays.push_back(walker.weekday);
    }
    return result;
  }();
  return all;
}

std::int64_t milliseconds_of(const std::string& time) {
  int hours = 0, minutes = 0, seconds = 0, thousandths = 0;
  std::sscanf(time.c_str(), "%d:%d:%d.%d", &hours, &minutes, &seconds, &thousandths);
  return hours * 3'600'000LL + minutes * 60'000 + seconds * 1000 + thousandths;
}

void check_item(const json& item, const std::string& answer) {
  const std::string ask = item[0];
  const Walked& all = walked();
  if (ask == "time_sum" || ask == "time_span") {
    const std::int64_t first = milliseconds_of(item[1]);
    const std::int64_t second = milliseconds_of(item[2]);
    EXPECT_EQ(milliseconds_of(answer), ask == "time_sum" ? first + second : second - first) << item;
    return;
  }
  const std::size_t first = all.number.at(item[1]);
  if (ask == "weekday") {
    const char* const names[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                 "Friday", "Saturday", "Sunday"};
    EXPECT_EQ(answer, names[all.weekdays[first]]);
  } else if (ask == "shift") {
    const auto target = static_cast<std::int64_t>(first) + item[2].get<std::int64_t>();
    if (target < 0) return;  // before 1900
    EXPECT_EQ(answer, all.dates.at(static_cast<std::size_t>(target))) << item;
  } else {
    const std::size_t second = all.number.at(item[2]);
    std::size_t working = 0;
    for (std::size_t i = first; i <= second; ++i) working += all.weekdays[i] < 5 ? 1 : 0;
    EXPECT_EQ(answer, std::to_string(ask == "days" ? second - first : working)) << item;
  }
}

TEST(Calendar, EveryProblemAgreesWithWalkingFromDayToDay) {
  testing::check_generator(kKind, 200, [](const Problem& problem) {
    const json items = json::parse(problem.spec)["items"];
    std::size_t at = 0;
    for (const json& item : items) {
      const std::size_t comma = std::min(problem.answer.find(", ", at), problem.answer.size());
      check_item(item, problem.answer.substr(at, comma - at));
      EXPECT_THAT(problem.prompt, HasSubstr(item[1].get<std::string>()));
      at = comma + 2;
    }
    EXPECT_EQ(at, problem.answer.size() + 2);
    EXPECT_GE(items.size(), 2u);
  });
  testing::check_counts(kKind);
}

TEST(Calendar, DrawsTheSameProblemsForEver) {
  EXPECT_EQ(make_verifier(kKind)->problem(1, Split::train, 1, 0).trace,
            "<think>1. In seconds: 64705 + 36231 = 100936, that is 28:02:16.\n"
            "2. 2027-07-10 is 46577 days after Sunday 1899-12-31. 46577 = 7 * 6653 + 6, so it is a Saturday."
            "</think><answer>28:02:16, Saturday</answer>");
  EXPECT_EQ(testing::first_ids(kKind), "1bd5d651e8fa7f6d b912dd17a28d4a88");
}

}  // namespace
}  // namespace reckon
