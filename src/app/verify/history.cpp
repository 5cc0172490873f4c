#include "history.h"

#include <algorithm>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/lineage/lineage.h"

namespace reckon {
namespace {

constexpr const char* kChainName = "chain.jsonl";

/// The lines before the first that does not verify.
std::vector<ChainLine> lines_that_verify(const std::string& text) {
  std::vector<std::size_t> ends = {0};
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1))
    ends.push_back(at + 1);
  std::vector<ChainLine> lines;
  std::size_t good = 0, bad = ends.size();
  while (bad - good > 1) {
    const std::size_t middle = good + (bad - good) / 2;
    try {
      lines = parse_chain(std::string_view(text).substr(0, ends[middle]), kChainName);
      good = middle;
    } catch (const Error&) {
      bad = middle;
    }
  }
  return parse_chain(std::string_view(text).substr(0, ends[good]), kChainName);
}

/// Puts the stages together from the events, in the order of the chain.
class HistoryReader {
 public:
  HistoryReader(RunHistory& history, Check& check) : history_(history), check_(check) {}

  void read(const ChainLine& line) {
    const ChainEvent& event = line.event;
    where_ = kChainName + (":" + std::to_string(line.number)) + ": ";
    const bool is_first = line.number == 1;
    if (is_first != (event.event == "run"))
      fail("is an event " + in_quotes(event.event) + " (need \"run\" at the beginning, and only there)");
    if (event.event == "run" || event.event == "change") {
      history_.recipes.push_back(event.text("recipe_sha256"));
    } else if (event.event == "stage") {
      begin_stage(event, line.link);
    } else if (event.event == "step" || event.event == "eval" || event.event == "end") {
      go_on(event, line.link);
    } else {
      fail("is an event " + in_quotes(event.event) + " (need run, stage, step, eval, end or change)");
    }
  }

 private:
  void fail(const std::string& what) { check_.fail(where_ + what); }

  void begin_stage(const ChainEvent& event, const std::string& link) {
    StageHistory stage{.name = event.text("stage"),
                       .kind = event.text("kind"),
                       .from = event.text("from"),
                       .tasks = event.text("tasks"),
                       .weights_before = {},
                       .weights_after = {},
                       .steps = {},
                       .evaluations = {},
                       .first_link = link,
                       .last_link = link};
    if (!history_.stages.empty() && !history_.stages.back().ended)
      fail("stage " + in_quotes(stage.name) + " begins before " + in_quotes(history_.stages.back().name) +
           " has ended");
    if (history_.find(stage.name) != nullptr) fail("stage " + in_quotes(stage.name) + " begins twice");
    const StageHistory* from = history_.find(stage.from);
    if (from == nullptr && stage.from != kBaseModel)
      fail("stage " + in_quotes(stage.name) + " starts from " + in_quotes(stage.from) +
           ", which is no stage before it");
    stage.weights_before = from == nullptr ? history_.run().text("weights") : from->weights_after;
    const std::string weights = event.text("weights");
    if (stage.makes_weights()) {
      stage.weights_after = stage.weights_before;
      if (weights != stage.weights_before)
        fail("stage " + in_quotes(stage.name) + " starts from weights " + short_hash(weights) + ", and " +
             in_quotes(stage.from) + " has " + short_hash(stage.weights_before));
    }
    history_.stages.push_back(std::move(stage));
  }

  void go_on(const ChainEvent& event, const std::string& link) {
    const std::string name = event.text("stage");
    if (history_.stages.empty() || history_.stages.back().name != name || history_.stages.back().ended) {
      fail("is an event " + in_quotes(event.event) + " of stage " + in_quotes(name) +
           ", which is not the one that runs");
      return;
    }
    StageHistory& stage = history_.stages.back();
    stage.last_link = link;
    if (event.event == "step") {
      add_step(stage, event);
    } else if (event.event == "eval") {
      stage.evaluations.push_back(&event);
    } else {
      end_stage(stage, event);
    }
  }

  void add_step(StageHistory& stage, const ChainEvent& event) {
    const auto expected = static_cast<std::int64_t>(stage.steps.size()) + 1;
    const std::string what =
        "step " + std::to_string(event.integer("step")) + " of stage " + in_quotes(stage.name);
    if (!stage.makes_weights()) fail(what + " is an update, and the stage makes no weights");
    if (event.integer("step") != expected)
      fail(what + " follows step " + std::to_string(expected - 1) + " (need step " +
           std::to_string(expected) + ")");
    if (event.text("weights_before") != stage.weights_after)
      fail(what + " starts from weights " + short_hash(event.text("weights_before")) + ", and " +
           (expected == 1 ? "the stage" : "the step before it") + " has " + short_hash(stage.weights_after));
    stage.steps.push_back(&event);
    stage.weights_after = event.text("weights_after");
  }

  void end_stage(StageHistory& stage, const ChainEvent& event) {
    const std::string what = "stage " + in_quotes(stage.name);
    const auto steps = static_cast<std::int64_t>(stage.steps.size());
    if (event.integer("steps") != steps)
      fail(what + " ends after " + std::to_string(event.integer("steps")) + " steps, and has " +
           std::to_string(steps));
    if (event.text("weights") != stage.weights_after)
      fail(what + " ends with weights " + short_hash(event.text("weights")) + ", and its last step made " +
           short_hash(stage.weights_after));
    stage.ended = true;
  }

  RunHistory& history_;
  Check& check_;
  std::string where_;
};

}  // namespace

std::string StageHistory::weights_at(std::int64_t step) const {
  if (step <= 0 || !makes_weights()) return makes_weights() ? weights_before : "";
  if (step > static_cast<std::int64_t>(steps.size())) return "";
  return steps[static_cast<std::size_t>(step - 1)]->text("weights_after");
}

const ChainEvent& RunHistory::run() const {
  static const ChainEvent kNone;
  return lines.empty() || lines.front().event.event != "run" ? kNone : lines.front().event;
}

const StageHistory* RunHistory::find(const std::string& stage) const {
  const auto found = std::ranges::find(stages, stage, &StageHistory::name);
  return found == stages.end() ? nullptr : &*found;
}

RunHistory check_chain(const std::filesystem::path& file, VerifyReport& report) {
  Check check(report, kChainName);
  RunHistory history;
  check.attempt([&] {
    const std::string text = read_file(file);
    history.cut_off = !text.ends_with('\n');
    try {
      history.lines = parse_chain(text, kChainName);
      history.whole = true;
    } catch (const Error& error) {
      check.fail(error.what());
      history.lines = lines_that_verify(text);
    }
  });
  if (history.whole && history.lines.empty()) check.fail("chain.jsonl: has no event (need \"run\" at least)");
  HistoryReader reader(history, check);
  for (const ChainLine& line : history.lines) reader.read(line);
  std::size_t steps = 0;
  for (const StageHistory& stage : history.stages) steps += stage.steps.size();
  check.finish(counted(history.lines.size(), "event") + ", " + counted(steps, "step") + ", head " +
               short_hash(history.head()));
  return history;
}

}  // namespace reckon
