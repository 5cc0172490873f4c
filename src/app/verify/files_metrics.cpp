// metrics.jsonl: a row for each step and evaluation of the chain, with its numbers.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "run_files.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMetricsName = "metrics.jsonl";

/// A row that the chain asks for, in its order.
struct ExpectedRow {
  const StageHistory* stage = nullptr;
  std::int64_t step = 0;  ///< 0: of an evaluation
  const ChainEvent* event = nullptr;
  [[nodiscard]] std::string name() const {
    if (step == 0)
      return "the evaluation of task " + in_quotes(event->text("task")) + " in stage " +
             in_quotes(stage->name);
    return "step " + std::to_string(step) + " of stage " + in_quotes(stage->name);
  }
  [[nodiscard]] bool is(const Json& row) const {
    return row.value("stage", Json()) == stage->name && row.value("step", Json()) == step &&
           (step > 0 || row.value("task", Json()) == event->text("task"));
  }
};

std::vector<ExpectedRow> expected_rows(const RunHistory& history) {
  std::vector<ExpectedRow> rows;
  for (const StageHistory& stage : history.stages) {
    for (std::size_t i = 0; i < stage.steps.size(); ++i)
      rows.push_back({&stage, static_cast<std::int64_t>(i) + 1, stage.steps[i]});
    for (const ChainEvent* event : stage.evaluations) rows.push_back({&stage, 0, event});
  }
  return rows;
}

std::string text_of(const ChainEvent::Value& value) {
  return std::visit([](const auto& v) { return Json(v).dump(); }, value);
}

class MetricsCheck {
 public:
  MetricsCheck(const RunFiles& run, Check& check)
      : run_(run), check_(check), expected_(expected_rows(run.history)) {}

  void read(const std::string& text) {
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
      ++line_;
      take(text.substr(begin, end - begin));
    }
    if (begin < text.size())
      check_.fail_unless(!run_.history.finished,
                         "metrics.jsonl: its last line has no end, as a crash leaves it");
    const std::size_t missing = expected_.size() - next_;
    if (missing == 0) return;
    const std::string what =
        "metrics.jsonl: has no row of " + expected_[next_].name() +
        (missing > 1 ? ", and " + std::to_string(missing - 1) + " more are missing" : "");
    // A row is written behind its event of the chain: a crash may come between.
    check_.fail_unless(missing == 1 && !run_.history.finished, what);
  }

 private:
  [[nodiscard]] std::string where() const { return "metrics.jsonl:" + std::to_string(line_) + ": "; }

  void take(const std::string& line) {
    const Json row = Json::parse(line, nullptr, false);
    if (!row.is_object()) {
      check_.fail(where() + "is no JSON object");
      ++next_;  // most likely it was the row that comes next
      next_ = std::min(next_, expected_.size());
      return;
    }
    const auto found = std::find_if(expected_.begin() + static_cast<std::ptrdiff_t>(next_), expected_.end(),
                                    [&](const ExpectedRow& expected) { return expected.is(row); });
    if (found == expected_.end()) {
      if (run_.history.whole || next_ < expected_.size()) name_stranger(row);
      return;
    }
    const auto position = static_cast<std::size_t>(found - expected_.begin());
    for (; next_ < position; ++next_)
      check_.fail(where() + "comes where the row of " + expected_[next_].name() + " should stand");
    ++next_;
    compare(row, *found);
    compare_columns(row, found->stage->name);
  }

  void name_stranger(const Json& row) {
    const bool is_second =
        std::any_of(expected_.begin(), expected_.begin() + static_cast<std::ptrdiff_t>(next_),
                    [&](const ExpectedRow& expected) { return expected.is(row); });
    check_.fail(where() + "is of stage " + row.value("stage", Json()).dump() + ", step " +
                row.value("step", Json()).dump() +
                (is_second ? ", which has a row already, or stands later than it should"
                           : ", which the chain does not have"));
  }

  void compare(const Json& row, const ExpectedRow& expected) {
    for (const char* name : {"loss", "grad_norm", "pass_at_1", "greedy", "mean_tokens"}) {
      const ChainEvent::Value* value = expected.event->find(name);
      if (value == nullptr) continue;
      const std::string is = row.value(name, Json()).dump();
      if (is != text_of(*value))
        check_.fail(where() + expected.name() + ": " + name + " is " + is + ", and the chain has " +
                    text_of(*value));
    }
    const auto stage = run_.totals.find(expected.stage->name);
    if (stage == run_.totals.end()) return;
    const auto totals = std::ranges::lower_bound(stage->second.steps, expected.step, {}, &StepTotals::step);
    if (totals == stage->second.steps.end() || totals->step != expected.step) return;
    if (totals->values.size() != stage->second.names.size()) return;
    for (std::size_t i = 0; i < stage->second.names.size(); ++i) {
      const std::string& name = stage->second.names[i];
      const Json value = row.value(name, Json());
      if (!value.is_number() || value.get<double>() != totals->values[i])
        check_.fail(where() + expected.name() + ": " + name + " is " + value.dump() +
                    ", and the completions make " + Json(totals->values[i]).dump());
    }
  }

  /// The rows of a stage have the same columns, but for what a guard says now and then, and for memory.
  void compare_columns(const Json& row, const std::string& stage) {
    if (run_.history.recipes.size() != 1) return;  // other settings may have other columns
    std::vector<std::string> names;
    for (const auto& [name, value] : row.items()) {
      if (name != "alarms" && !name.starts_with("rss_")) names.push_back(name);
    }
    if (stage != stage_) {
      stage_ = stage;
      columns_ = names;
    }
    if (names != columns_) check_.fail(where() + "has other columns than the rows of the stage before it");
  }

  const RunFiles& run_;
  Check& check_;
  std::vector<ExpectedRow> expected_;
  std::size_t next_ = 0;  ///< of expected_
  std::size_t line_ = 0;
  std::string stage_;
  std::vector<std::string> columns_;
};

/// Each checkpoint knows the SHA-256 of the file as it was then: so no number of it can be another, neither.
class MetricsSeals {
 public:
  MetricsSeals(const std::string& text, const RunFiles& run) : text_(text), run_(run) {}

  /// \return lines that are so vouched for
  std::size_t check(Check& check) const {
    // The newest speaks for those before it, where it fits.
    if (!run_.checkpoints.empty() && fits(run_.checkpoints.back().state))
      return lines(run_.checkpoints.back().state.metrics_bytes);
    std::uint64_t good = 0;
    for (const SealedCheckpoint& checkpoint : run_.checkpoints) {
      const std::uint64_t bytes = checkpoint.state.metrics_bytes;
      if (!fits(checkpoint.state)) {
        check.fail(bytes > text_.size()
                       ? "metrics.jsonl: has " + std::to_string(text_.size()) + " bytes, and had " +
                             std::to_string(bytes) + " at checkpoint " + checkpoint.name
                       : "metrics.jsonl: lines " + std::to_string(lines(good) + 1) + " to " +
                             std::to_string(lines(bytes)) + " are not what they were at checkpoint " +
                             checkpoint.name);
        break;
      }
      good = bytes;
    }
    return lines(good);
  }

 private:
  [[nodiscard]] bool fits(const TrainState& state) const {
    return state.metrics_bytes <= text_.size() &&
           sha256_hex(std::string_view(text_).substr(0, state.metrics_bytes)) == state.metrics_sha256;
  }
  [[nodiscard]] std::size_t lines(std::uint64_t bytes) const {
    return static_cast<std::size_t>(
        std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(bytes), '\n'));
  }

  const std::string& text_;
  const RunFiles& run_;
};

}  // namespace

void check_metrics(const RunFiles& run, VerifyReport& report) {
  Check check(report, kMetricsName);
  const bool none_yet = expected_rows(run.history).size() <= 1 && !run.history.finished;
  if (!fs::exists(run.folder / kMetricsName)) {
    check.fail_unless(none_yet, "metrics.jsonl: is not there");
    return;
  }
  std::size_t rows = 0, vouched = 0;
  check.attempt([&] {
    const std::string text = read_file(run.folder / kMetricsName);
    MetricsCheck(run, check).read(text);
    vouched = MetricsSeals(text, run).check(check);
    rows = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  });
  check.finish(counted(rows, "row") + ", " + std::to_string(vouched) +
               " of them as checkpoints have seen them");
}

}  // namespace reckon
