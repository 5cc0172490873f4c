#include "match_members.h"

#include "compare_answers.h"

namespace reckon {
namespace {

constexpr std::size_t kFree = static_cast<std::size_t>(-1);

class Matching {
 public:
  Matching(std::size_t size, const std::function<Equality(std::size_t, std::size_t)>& compare)
      : size_(size),
        compare_(compare),
        known_(size * size, false),
        equal_(size * size, Equality::different),
        partner_of_pred_(size, kFree) {}

  Equality run() {
    for (std::size_t gold = 0; gold < size_; ++gold) {
      std::vector<bool> is_tried(size_, false);
      if (!find_partner(gold, is_tried)) return open_;
    }
    return Equality::equal;
  }

 private:
  bool find_partner(std::size_t gold, std::vector<bool>& is_tried) {
    for (std::size_t pred = 0; pred < size_; ++pred) {
      if (is_tried[pred] || equality(gold, pred) != Equality::equal) continue;
      is_tried[pred] = true;
      if (partner_of_pred_[pred] == kFree || find_partner(partner_of_pred_[pred], is_tried)) {
        partner_of_pred_[pred] = gold;
        return true;
      }
    }
    return false;
  }

  Equality equality(std::size_t gold, std::size_t pred) {
    const std::size_t pair = gold * size_ + pred;
    if (!known_[pair]) {
      known_[pair] = true;
      equal_[pair] = compare_(gold, pred);
      if (equal_[pair] != Equality::equal && equal_[pair] != Equality::different) open_ = equal_[pair];
    }
    return equal_[pair];
  }

  std::size_t size_;
  const std::function<Equality(std::size_t, std::size_t)>& compare_;
  std::vector<bool> known_;
  std::vector<Equality> equal_;
  std::vector<std::size_t> partner_of_pred_;
  Equality open_ = Equality::different;  // the answer where there is no matching
};

}  // namespace

Equality match_members(std::size_t num_gold, std::size_t num_pred,
                       const std::function<Equality(std::size_t, std::size_t)>& compare) {
  if (num_gold != num_pred) return Equality::different;
  return Matching(num_gold, compare).run();
}

}  // namespace reckon
