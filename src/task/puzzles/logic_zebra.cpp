#include "logic_zebra.h"

#include <bit>

namespace reckon {
namespace {

/// The houses that a value may be in, a bit each.
using Domain = std::uint32_t;

class Counter {
 public:
  Counter(std::size_t num_houses, std::size_t num_attributes, const std::vector<ZebraClue>& clues,
          std::size_t limit)
      : num_houses_(num_houses), clues_(clues), limit_(limit) {
    domains_.assign(num_houses * num_attributes, all());
  }

  std::size_t run() {
    descend();
    return found_;
  }

 private:
  [[nodiscard]] Domain all() const { return (Domain{1} << num_houses_) - 1; }

  /// \return whether the domain is not empty
  bool narrow(std::size_t value, Domain to) {
    const Domain before = domains_[value];
    domains_[value] &= to;
    changed_ = changed_ || domains_[value] != before;
    return domains_[value] != 0;
  }

  bool apply(const ZebraClue& clue) {
    const auto sides = [&](Domain d) { return ((d << 1) | (d >> 1)) & all(); };
    switch (clue.kind) {
      case ZebraClueKind::at:
        return narrow(clue.first, Domain{1} << clue.second);
      case ZebraClueKind::same:
        return narrow(clue.first, domains_[clue.second]) && narrow(clue.second, domains_[clue.first]);
      case ZebraClueKind::next:
        return narrow(clue.first, sides(domains_[clue.second])) &&
               narrow(clue.second, sides(domains_[clue.first]));
      case ZebraClueKind::left:
        break;
    }
    return narrow(clue.first, domains_[clue.second] >> 1) && narrow(clue.second, domains_[clue.first] << 1);
  }

  /// A house that one value of an attribute has for certain is closed to the others; a house that one value
  /// alone can have is its.
  bool one_value_a_house(std::size_t attribute) {
    const std::size_t begin = attribute * num_houses_;
    Domain once = 0;
    Domain more = 0;
    for (std::size_t v = begin; v < begin + num_houses_; ++v) {
      more |= once & domains_[v];
      once |= domains_[v];
    }
    if (once != all()) return false;
    once &= ~more;
    for (std::size_t v = begin; v < begin + num_houses_; ++v) {
      if ((domains_[v] & once) != 0 && !narrow(v, once)) return false;
      if (std::popcount(domains_[v]) != 1) continue;
      for (std::size_t other = begin; other < begin + num_houses_; ++other) {
        if (other != v && !narrow(other, ~domains_[v])) return false;
      }
    }
    return true;
  }

  bool propagate() {
    do {
      changed_ = false;
      for (const ZebraClue& clue : clues_) {
        if (!apply(clue)) return false;
      }
      for (std::size_t attribute = 0; attribute * num_houses_ < domains_.size(); ++attribute) {
        if (!one_value_a_house(attribute)) return false;
      }
    } while (changed_);
    return true;
  }

  /// As deep as there are values at most.
  void descend() {
    if (!propagate()) return;
    std::size_t open = domains_.size();
    for (std::size_t v = 0; v < domains_.size(); ++v) {
      const int size = std::popcount(domains_[v]);
      if (size > 1 && (open == domains_.size() || size < std::popcount(domains_[open]))) open = v;
    }
    if (open == domains_.size()) {  // every value has one house, and no clue could narrow it further
      ++found_;
      return;
    }
    const std::vector<Domain> before = domains_;
    for (std::size_t house = 0; house < num_houses_ && found_ < limit_; ++house) {
      if ((before[open] >> house & 1) == 0) continue;
      domains_ = before;
      domains_[open] = Domain{1} << house;
      descend();
    }
  }

  std::size_t num_houses_;
  const std::vector<ZebraClue>& clues_;
  std::size_t limit_;
  std::vector<Domain> domains_;
  bool changed_ = false;
  std::size_t found_ = 0;
};

}  // namespace

bool ZebraClue::holds(const std::vector<std::size_t>& houses) const {
  const std::size_t house = houses[first];
  switch (kind) {
    case ZebraClueKind::at:
      return house == second;
    case ZebraClueKind::same:
      return house == houses[second];
    case ZebraClueKind::next:
      return house + 1 == houses[second] || houses[second] + 1 == house;
    case ZebraClueKind::left:
      break;
  }
  return house + 1 == houses[second];
}

std::size_t count_zebra_solutions(std::size_t num_houses, std::size_t num_attributes,
                                  const std::vector<ZebraClue>& clues, std::size_t limit) {
  return Counter(num_houses, num_attributes, clues, limit).run();
}

}  // namespace reckon
