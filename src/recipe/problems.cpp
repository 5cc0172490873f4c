#include "reckon/recipe/problems.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "reckon/base/error.h"
#include "reckon/base/one_line.h"
#include "reckon/recipe/value_text.h"

namespace reckon {
namespace {

/// Of one problem; longer than any list of choices.
constexpr std::size_t kMaxProblemBytes = 4000;

constexpr std::size_t kMaxShown = 60;

/// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> above(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace

void RecipeProblems::add(const TomlPlace& place, const std::string& text) {
  entries_.push_back({place, text});
}

bool RecipeProblems::at(const TomlPlace& place) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const Entry& entry) { return entry.place == place; });
}

std::string RecipeProblems::text() const {
  std::vector<Entry> sorted = entries_;
  const auto order = [](const Entry& entry) {
    return std::tuple(!entry.place.override_path.empty(), entry.place.line, entry.place.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Entry& a, const Entry& b) { return order(a) < order(b); });
  std::string text;
  for (const auto& [place, what] : sorted) {
    if (!text.empty()) text += '\n';
    if (!place.override_path.empty()) {
      text += "--set " + in_one_line(place.override_path);
    } else {
      text += file_ + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
    }
    text += ": " + in_one_line(what, kMaxProblemBytes);
  }
  return text;
}

void RecipeProblems::throw_if_any() const {
  if (!empty()) throw Error(ExitCode::usage, text());
}

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  const std::size_t limit = std::max<std::size_t>(1, name.size() / 3);
  std::size_t best = limit + 1;
  std::string nearest;
  for (const std::string& candidate : known) {
    if (candidate.size() > name.size() + limit || name.size() > candidate.size() + limit) continue;
    const std::size_t distance = edit_distance(name, candidate);
    // A name of which nothing is left is not near.
    if (distance < best && distance < candidate.size()) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string did_you_mean(std::string_view name, std::span<const std::string> known) {
  const std::string nearest = nearest_name(name, known);
  return nearest.empty() ? "" : " Did you mean " + in_quotes(nearest) + "?";
}

std::string joined(std::span<const std::string> names, std::string_view separator) {
  std::string text;
  for (const std::string& name : names) {
    if (&name != &names.front()) text += separator;
    text += name;
  }
  return text;
}

std::string shown(const TomlNode& node) {
  std::string text = toml_text(node);
  if (text.size() <= kMaxShown) return text;
  std::size_t end = kMaxShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
    --end;  // not inside a UTF-8 character
  return text.substr(0, end) + "...";
}

}  // namespace reckon
