#include "calendar_items.h"
#include "words_task.h"

namespace reckon {
namespace {

struct Level {
  int first_year;
  int last_year;
  std::int64_t max_days;  ///< between two dates
  std::size_t num_items;
  std::size_t num_asks;  ///< of kCalendarAsks, the first ones
  bool milliseconds;
};
constexpr std::array<Level, 5> kLevels{{{2000, 2030, 60, 2, 3, false},
                                        {1990, 2040, 400, 3, 4, false},
                                        {1950, 2100, 3'000, 3, 5, false},
                                        {1900, 2200, 20'000, 4, 6, false},
                                        {1900, 2400, 100'000, 5, 6, true}}};

/// One item of each ask at most, so that the one in seven of a weekday is never all there is to guess.
CalendarItem random_item(CalendarAsk ask, const Level& level, RandomStream& random) {
  CalendarItem item;
  item.ask = ask;
  const std::int64_t first = calendar_day(level.first_year, 1, 1);
  const std::int64_t last = calendar_day(level.last_year, 12, 31);
  const std::int64_t days = words_within(random, 2, level.max_days);
  const std::int64_t unit = level.milliseconds ? 1 : 1000;
  const auto time = [&](std::int64_t low, std::int64_t high) {
    return words_within(random, low / unit, high / unit) * unit;
  };
  switch (ask) {
    case CalendarAsk::weekday:
      item.first = words_within(random, first, last);
      break;
    case CalendarAsk::shift:
      item.first = words_within(random, first, last);
      item.second = random.below(2) == 0 ? days : -days;
      break;
    case CalendarAsk::days:
    case CalendarAsk::business_days:
      item.first = words_within(random, first, last - days);
      item.second = item.first + days;
      break;
    case CalendarAsk::time_sum:
      item.first = time(1000, kMillisecondsPerDay - 1);
      item.second = time(1000, kMillisecondsPerDay - 1);
      break;
    case CalendarAsk::time_span:
      item.first = time(0, kMillisecondsPerDay / 2);
      item.second = time(item.first + 1000, kMillisecondsPerDay - 1);
      break;
  }
  return item;
}

class CalendarTask final : public WordsTask {
 public:
  explicit CalendarTask(std::string name) : WordsTask(std::move(name), TaskKind::calendar) {}

  /// The first item replaced by that of the next day or second.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    const LogicSpec spec("calendar", problem.spec);
    std::vector<CalendarItem> items = read_calendar_items(spec);
    std::string answer;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::int64_t value = items[i].value();
      const std::int64_t step = items[i].is_time() ? 1000 : 1;
      answer += (i == 0 ? "" : ", ") + items[i].written(i == 0 ? value + step : value);
    }
    return answer;
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    const std::vector<CalendarItem> items = read_calendar_items(spec);
    const auto parts = words_items(answer, items.size());
    if (!parts || parts->size() != items.size()) return Grade::different;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!items[i].is_right((*parts)[i])) return Grade::different;
    }
    return Grade::equal;
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    std::vector<CalendarAsk> asks(kCalendarAsks.begin(),
                                  kCalendarAsks.begin() + static_cast<std::ptrdiff_t>(l.num_asks));
    words_shuffle(asks, random);
    asks.resize(l.num_items);
    Draft draft;
    nlohmann::json items = nlohmann::json::array();
    std::vector<std::string> forms;
    std::vector<std::string> answers;
    draft.prompt = "Answer these questions about dates (year-month-day, Gregorian calendar) and times:";
    for (std::size_t i = 0; i < asks.size(); ++i) {
      const CalendarItem item = random_item(asks[i], l, random);
      draft.prompt += "\n" + std::to_string(i + 1) + ". " + item.question();
      draft.steps += (i == 0 ? "" : "\n") + std::to_string(i + 1) + ". " + item.steps();
      items.push_back(item.spec());
      forms.emplace_back(item.form());
      answers.push_back(item.written(item.value()));
    }
    draft.prompt +=
        "\nAnswer with the results alone, in this order and separated by commas, in a form like " +
        words_joined(forms, ", ") + ".";
    draft.answer = words_joined(answers, ", ");
    draft.spec = nlohmann::json{{"items", items}}.dump();
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_calendar_task(std::string name) {
  return std::make_unique<CalendarTask>(std::move(name));
}

}  // namespace reckon
