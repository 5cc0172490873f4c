#include "reckon/lineage/chain.h"

#include <system_error>

#include "chain_line.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// The event as a message names it: `step 12 of stage "rl-1"`, `event "run"`.
std::string title(const ChainEvent& event) {
  std::string title = event.event == "step" ? "step" : "event " + in_quotes(event.event);
  const std::int64_t step = event.integer("step");
  if (step >= 0) title += (event.event == "step" ? " " : " at step ") + std::to_string(step);
  if (const std::string stage = event.text("stage"); !stage.empty()) title += " of stage " + in_quotes(stage);
  return title;
}

/// The first thing in which two events differ.
std::string difference(const ChainEvent& now, const ChainEvent& then) {
  if (now.event != then.event) {
    return "the event is " + in_quotes(now.event) + " (it was " + in_quotes(then.event) + ")";
  }
  for (const auto& [name, value] : now.values) {
    const ChainEvent::Value* before = then.find(name);
    if (before == nullptr) return name + " is " + value_text(value) + " (it was not there)";
    if (value_text(*before) != value_text(value)) {
      return name + " is " + value_text(value) + " (it was " + value_text(*before) + ")";
    }
  }
  for (const auto& [name, value] : then.values) {
    if (now.find(name) == nullptr) return name + " is not there (it was " + value_text(value) + ")";
  }
  return "its values stand in another order";
}

}  // namespace

const ChainEvent::Value* ChainEvent::find(std::string_view name) const {
  for (const auto& [known, value] : values) {
    if (known == name) return &value;
  }
  return nullptr;
}

std::string ChainEvent::text(std::string_view name) const {
  const Value* value = find(name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? "" : *text;
}

std::int64_t ChainEvent::integer(std::string_view name) const {
  const Value* value = find(name);
  const auto* integer = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
  return integer == nullptr ? -1 : *integer;
}

ChainWriter::ChainWriter(fs::path file) : file_(std::move(file)), link_(kFirstChainLink) {
  std::error_code error;
  if (fs::symlink_status(file_, error).type() != fs::file_type::not_found) {
    throw Error(ExitCode::environment, file_.string() +
                                           ": is there already (need a new file, for a chain is never begun "
                                           "twice). Resume the run, or choose another folder.");
  }
  lines_.emplace(file_);
  fsync_path(file_.has_parent_path() ? file_.parent_path() : fs::path("."));
}

ChainWriter::ChainWriter(fs::path file, std::uint64_t bytes, const std::string& link)
    : file_(std::move(file)), link_(link), bytes_(bytes) {
  std::error_code error;
  const bool begins = bytes == 0 && fs::symlink_status(file_, error).type() == fs::file_type::not_found;
  const std::string text = begins ? "" : read_file(file_);
  if (text.size() < bytes) {
    throw Error(ExitCode::bad_data, file_.string() + ": has " + std::to_string(text.size()) +
                                        " bytes (need the first " + std::to_string(bytes) +
                                        ", behind which the run goes on)");
  }
  ChainReader kept(std::string_view(text).substr(0, bytes), file_.string());
  while (kept.next()) {
  }
  if (kept.end() != bytes || kept.link() != link) {
    throw Error(ExitCode::bad_data, file_.string() + ": the line that ends at byte " +
                                        std::to_string(kept.end()) + " has the link " + kept.link() +
                                        " (need " + link + " at byte " + std::to_string(bytes) + ")");
  }
  // What the last moments before a crash left on the disk may be anything: only what verifies is compared.
  ChainReader rest(std::string_view(text).substr(bytes), file_.string(), link);
  try {
    while (auto line = rest.next()) lost_.push_back(std::move(line->event));
  } catch (const Error&) {
  }
  lines_.emplace(file_);
  lines_->truncate(bytes);
}

void ChainWriter::append(const ChainEvent& event) {
  const std::string body = chain_body(event, file_.string() + ": " + title(event));
  if (num_repeated_ < lost_.size()) {
    const ChainEvent& then = lost_[num_repeated_];
    if (body != chain_body(then, file_.string())) {
      throw Error(ExitCode::internal, file_.string() + ": " + title(event) +
                                          " came out differently than before the run was interrupted: " +
                                          difference(event, then));
    }
  }
  const std::string link = chain_link(link_, body);
  const std::string line = chain_text(body, link);
  lines_->append(line);
  link_ = link;
  bytes_ += line.size() + 1;
  if (num_repeated_ < lost_.size()) ++num_repeated_;
}

std::vector<ChainLine> read_chain(const fs::path& file) {
  return parse_chain(read_file(file), file.string());
}

std::vector<ChainLine> parse_chain(std::string_view text, const std::string& where) {
  ChainReader reader(text, where);
  std::vector<ChainLine> lines;
  while (auto line = reader.next()) lines.push_back(std::move(*line));
  return lines;
}

namespace {
constexpr std::string_view kArrow = " -> ";
}

std::string change_text(const std::string& was, const std::string& now) {
  return was + std::string(kArrow) + now;
}

std::string current_fact(std::span<const ChainLine> lines, const std::string& name) {
  if (lines.empty()) return "";
  std::string fact = lines.front().event.text(name);
  for (const ChainLine& line : lines.subspan(1)) {
    const std::string change = line.event.event == "change" ? line.event.text(name) : "";
    // A program's words may hold an arrow: what was stands before, and is known.
    if (change.starts_with(fact + std::string(kArrow))) fact = change.substr(fact.size() + kArrow.size());
  }
  return fact;
}

}  // namespace reckon
