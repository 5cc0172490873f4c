#include "series.h"

namespace reckon::exact {
namespace {

class Series {
 public:
  Series(const Expr& series, const Bindings& outer, Budget& budget)
      : body_(series.args[0]), adds_(series.op == Op::sum), bindings_(outer), budget_(budget) {
    bindings_.emplace_back(series.args[1].name, Rational());
  }

  /// Halves, so that most additions are of small numbers.
  std::optional<Rational> over(std::int64_t low, std::int64_t high) {
    if (low == high) {
      bindings_.back().second = low;
      return fold(body_, bindings_, budget_);
    }
    const std::int64_t middle = low + (high - low) / 2;
    const auto a = over(low, middle);
    const auto b = a ? over(middle + 1, high) : std::nullopt;
    if (!b || a->bits() + b->bits() > kMaxBits) return std::nullopt;
    // A greatest common divisor of numbers with so many bits takes about as long as 100 steps a kilobit.
    if (!budget_.spend(static_cast<std::uint64_t>(1 + (a->bits() + b->bits()) / 16))) return std::nullopt;
    return adds_ ? *a + *b : *a * *b;
  }

 private:
  const Expr& body_;
  bool adds_;
  Bindings bindings_;
  Budget& budget_;
};

}  // namespace

std::optional<Rational> rational_series(const Expr& series, std::int64_t low, std::int64_t high,
                                        const Bindings& outer, Budget& budget) {
  return Series(series, outer, budget).over(low, high);
}

}  // namespace reckon::exact
