#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// Where a rank waits: the collectives of a communicator are counted, so that ranks at the same place say the
/// same.
struct WaitPlace {
  std::uint64_t communicator = 0;
  std::uint64_t number = 0;  ///< of the collective
  std::string call;          ///< "all_gather"
  std::string activity;      ///< what the rank is doing: "rl-1 step 12, gradients"; kMaxActivityBytes at most
  bool operator==(const WaitPlace&) const = default;
};

inline constexpr std::size_t kMaxActivityBytes = 512;

/// As a message to other ranks, so short that every transport takes it at once.
[[nodiscard]] std::string as_notice(const WaitPlace& place);
/// The reverse; nothing where the text is no notice.
[[nodiscard]] std::optional<WaitPlace> from_notice(std::string_view notice);

/// What the ranks of a job have last said about where they wait. A rank that waits for long says so again and
/// again, and that it has gone on when it has: what is old is of a rank that was stopped since.
class WaitBoard {
 public:
  explicit WaitBoard(int num_ranks) : said_(static_cast<std::size_t>(num_ranks)) {}
  /// \param hosts  by rank; empty while they are not known
  void set_hosts(std::vector<std::string> hosts) { hosts_ = std::move(hosts); }
  [[nodiscard]] const std::vector<std::string>& hosts() const { return hosts_; }
  /// "rank 3 (node2)"
  [[nodiscard]] std::string name(int rank) const;

  /// \param place  nothing: the rank has gone on
  void hear(int rank, std::optional<WaitPlace> place, double now_s);
  /// Whether a rank has said, not before `since_s`, that it waits in a collective of this communicator.
  [[nodiscard]] bool is_waited_in(std::uint64_t communicator, double since_s) const;
  /// The first rank of these that has said since then that it waits at this place; -1 where none has.
  [[nodiscard]] int first_at(const std::vector<int>& ranks, const WaitPlace& place, double since_s) const;
  /// Those of the ranks, but this one, that are not at the place: "rank 3 (node2)", which says nothing,
  /// before "rank 5 (node3), which waits in "eval: scores" (broadcast)".
  [[nodiscard]] std::vector<std::string> missing(const std::vector<int>& ranks, int this_rank,
                                                 const WaitPlace& place, double since_s) const;

 private:
  struct Said {
    std::optional<WaitPlace> place;
    double at_s = 0.0;
  };
  [[nodiscard]] const WaitPlace* place_of(int rank, double since_s) const;

  std::vector<Said> said_;
  std::vector<std::string> hosts_;
};

/// "rank 3 (node2), rank 4 (node2) and rank 5 (node3)"; of a crowd, the first ones and a number.
[[nodiscard]] std::string in_words(const std::vector<std::string>& ranks);

}  // namespace reckon
