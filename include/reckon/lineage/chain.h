#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "reckon/record/line_file.h"

namespace reckon {

/// What stands for the link before the first line of a chain.
inline constexpr std::string_view kFirstChainLink =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// One event of a run: its first weights, the start of a stage, an update, an evaluation. Nothing in it
/// depends on time, rank count or machine.
struct ChainEvent {
  using Value = std::variant<double, std::int64_t, std::string>;
  std::string event;                                  ///< "run", "stage", "step", "eval", "end", "change"
  std::vector<std::pair<std::string, Value>> values;  ///< names other than "event" and "link", each once

  void add(std::string name, double value) { values.emplace_back(std::move(name), value); }
  void add(std::string name, std::int64_t value) { values.emplace_back(std::move(name), value); }
  void add(std::string name, std::string value) { values.emplace_back(std::move(name), std::move(value)); }
  /// The value under a name, or null.
  [[nodiscard]] const Value* find(std::string_view name) const;
  /// The text under a name; "" where there is none.
  [[nodiscard]] std::string text(std::string_view name) const;
  /// The integer under a name; -1 where there is none.
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  bool operator==(const ChainEvent&) const = default;
};

/// An event with the link that it made.
struct ChainLine {
  ChainEvent event;
  std::string link;
  std::uint64_t number = 0;  ///< of its line, from 1
  std::uint64_t end = 0;     ///< of its line, in bytes from the start of the file
};

/// The hash chain of a run, `chain.jsonl`: one JSON object a line, {"event": ..., <name>: <value>, ...,
/// "link": ...}. A link is the SHA-256 of the link before it (64 zeros before the first), a line feed and the
/// line without its "link"; so no line can be changed, dropped or moved without all later ones. A double is
/// written so that it reads back as the same double.
class ChainWriter {
 public:
  /// Begins a chain. \throws Error(io); Error(environment) where the file is there already.
  explicit ChainWriter(std::filesystem::path file);
  /// Goes on with a chain after `bytes` of it, of which the last link is `link` (0 and kFirstChainLink: from
  /// its start, and the file need not be there). What follows is taken away, and as far as it verifies kept
  /// to be compared with what comes. \throws Error(io); Error(missing_input); Error(bad_data) where the file
  /// is shorter than that, a line before it is broken or the line that ends there has another link.
  ChainWriter(std::filesystem::path file, std::uint64_t bytes, const std::string& link);

  /// Adds an event. Where the run had come further before it was interrupted, the event must be the one that
  /// it added then: resumed, a run does the same again.
  /// \throws Error(io); Error(internal) for a number that is not finite, a name that stands twice, and naming
  /// the first value that differs from what it was then. Where it throws, nothing was added.
  void append(const ChainEvent& event);
  /// From here on events need not be those of before the interruption.
  void forget_lost_events() {
    lost_.clear();
    num_repeated_ = 0;
  }
  /// Events that were taken away and have not come again yet.
  [[nodiscard]] std::size_t num_lost() const { return lost_.size() - num_repeated_; }
  /// Makes what was appended durable.
  void sync() { lines_->sync(); }

  [[nodiscard]] const std::string& link() const { return link_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  std::filesystem::path file_;
  std::optional<LineFile> lines_;
  std::string link_;
  std::uint64_t bytes_ = 0;
  std::vector<ChainEvent> lost_;
  std::size_t num_repeated_ = 0;
};

/// How an event "change" says what a setting or a fact was and is: "old -> new".
[[nodiscard]] std::string change_text(const std::string& was, const std::string& now);
/// A text of the first event, such as "fingerprint", as the last "change" that names it has left it; "" where
/// there is none.
[[nodiscard]] std::string current_fact(std::span<const ChainLine> lines, const std::string& name);

/// All lines of a chain. A last line without its line feed is one that a crash cut off, and is left out.
/// \throws Error(missing_input); Error(bad_data) `chain.jsonl:12: ...` at the first line that is no event or
/// whose link is not what it and the line before it make.
[[nodiscard]] std::vector<ChainLine> read_chain(const std::filesystem::path& file);
/// The same for a file that has been read. \param where  names it in messages
[[nodiscard]] std::vector<ChainLine> parse_chain(std::string_view text, const std::string& where);

}  // namespace reckon
