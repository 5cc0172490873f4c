#include "wait_board.h"

#include <charconv>

#include "reckon/base/error.h"

namespace reckon {
namespace {

/// So many ranks are named; of a job of thousands that lost a switch nobody reads more.
constexpr std::size_t kMaxNamed = 8;

std::optional<std::uint64_t> as_number(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return number;
}

}  // namespace

std::string as_notice(const WaitPlace& place) {
  return std::to_string(place.communicator) + '\n' + std::to_string(place.number) + '\n' + place.call + '\n' +
         place.activity;
}

std::optional<WaitPlace> from_notice(std::string_view notice) {
  std::string_view fields[3];
  for (std::string_view& field : fields) {
    const std::size_t end = notice.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    field = notice.substr(0, end);
    notice.remove_prefix(end + 1);
  }
  const auto communicator = as_number(fields[0]), number = as_number(fields[1]);
  if (!communicator || !number) return std::nullopt;
  return WaitPlace{*communicator, *number, std::string(fields[2]), std::string(notice)};
}

std::string WaitBoard::name(int rank) const {
  const std::string text = "rank " + std::to_string(rank);
  return hosts_.empty() ? text : text + " (" + hosts_[static_cast<std::size_t>(rank)] + ")";
}

void WaitBoard::hear(int rank, std::optional<WaitPlace> place, double now_s) {
  said_[static_cast<std::size_t>(rank)] = {std::move(place), now_s};
}

const WaitPlace* WaitBoard::place_of(int rank, double since_s) const {
  const Said& said = said_[static_cast<std::size_t>(rank)];
  return said.place && said.at_s >= since_s ? &*said.place : nullptr;
}

bool WaitBoard::is_waited_in(std::uint64_t communicator, double since_s) const {
  for (int rank = 0; rank < static_cast<int>(said_.size()); ++rank) {
    const WaitPlace* place = place_of(rank, since_s);
    if (place != nullptr && place->communicator == communicator) return true;
  }
  return false;
}

int WaitBoard::first_at(const std::vector<int>& ranks, const WaitPlace& place, double since_s) const {
  for (const int rank : ranks) {
    const WaitPlace* said = place_of(rank, since_s);
    if (said != nullptr && *said == place) return rank;
  }
  return -1;
}

std::vector<std::string> WaitBoard::missing(const std::vector<int>& ranks, int this_rank,
                                            const WaitPlace& place, double since_s) const {
  std::vector<std::string> silent, elsewhere;
  for (const int rank : ranks) {
    if (rank == this_rank) continue;
    const WaitPlace* said = place_of(rank, since_s);
    if (said == nullptr) {
      silent.push_back(name(rank));
    } else if (said->communicator == place.communicator && said->number > place.number) {
      continue;  // has done its part here: a root that sends, a rank that sends to one
    } else if (*said != place) {
      elsewhere.push_back(name(rank) + ", which waits in " + in_quotes(said->activity) + " (" + said->call +
                          ")");
    }
  }
  // Whoever says nothing is the cause, and comes first.
  silent.insert(silent.end(), elsewhere.begin(), elsewhere.end());
  return silent;
}

std::string in_words(const std::vector<std::string>& ranks) {
  const std::size_t num_named = ranks.size() > kMaxNamed ? kMaxNamed : ranks.size();
  std::string text;
  for (std::size_t i = 0; i < num_named; ++i) {
    const bool is_last = i + 1 == ranks.size();
    text += (i == 0 ? "" : is_last ? " and " : ", ") + ranks[i];
  }
  if (num_named < ranks.size()) text += " and " + std::to_string(ranks.size() - num_named) + " more";
  return text;
}

}  // namespace reckon
