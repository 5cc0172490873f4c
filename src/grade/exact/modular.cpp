#include <flint/ulong_extras.h>

#include <cmath>
#include <optional>
#include <unordered_map>

#include "points.h"
#include "reckon/base/philox.h"
#include "sampling.h"

namespace reckon::exact {
namespace {

constexpr double kMaxDegree = 1e6;
constexpr std::uint32_t kStreamName = 0x6D6F6475u;

/// Values of nodes in the integers modulo a prime.
class ModularPoint {
 public:
  ModularPoint(Pool& pool, ulong prime, RandomStream& random) : pool_(pool), prime_(prime), random_(random) {
    inverse_ = n_preinvert_limb(prime);
  }

  /// Nothing where a denominator is 0 at this point.
  std::optional<ulong> value(NodeId id) {
    const auto found = values_.find(id);
    if (found != values_.end()) return found->second;
    if (!pool_.spend()) return std::nullopt;
    const auto result = evaluate(pool_[id], id);
    if (result) values_.emplace(id, *result);
    return result;
  }

 private:
  std::optional<ulong> evaluate(const Node& node, NodeId) {
    switch (node.kind) {
      case Kind::number:
        return rational(node.value);
      case Kind::symbol:
      case Kind::opaque:
        return random_.next_u64() % prime_;
      case Kind::sum:
        return sum(node);
      case Kind::product:
        return product(node);
      default:
        return std::nullopt;
    }
  }

  [[nodiscard]] std::optional<ulong> rational(const Rational& value) const {
    const ulong denominator = fmpz_fdiv_ui(value.denominator(), prime_);
    if (denominator == 0) return std::nullopt;
    const ulong numerator = fmpz_fdiv_ui(value.numerator(), prime_);
    return times(numerator, n_invmod(denominator, prime_));
  }

  std::optional<ulong> sum(const Node& node) {
    auto total = rational(node.value);
    for (const Part& part : node.parts) {
      const auto coefficient = rational(part.factor);
      const auto term = value(part.node);
      if (!total || !coefficient || !term) return std::nullopt;
      total = n_addmod(*total, times(*coefficient, *term), prime_);
    }
    return total;
  }

  std::optional<ulong> product(const Node& node) {
    ulong total = 1;
    for (const Part& part : node.parts) {
      const auto base = value(part.node);
      if (!base) return std::nullopt;
      const bool is_pole = *base == 0 && part.factor.sign() < 0;
      if (is_pole) return std::nullopt;
      // Fermat: exponents count modulo p - 1, for bases that are not 0.
      const ulong exponent = fmpz_fdiv_ui(part.factor.numerator(), prime_ - 1);
      total = times(total, *base == 0 ? 0 : n_powmod2_ui_preinv(*base, exponent, prime_, inverse_));
    }
    return total;
  }

  [[nodiscard]] ulong times(ulong a, ulong b) const { return n_mulmod2_preinv(a, b, prime_, inverse_); }

  Pool& pool_;
  ulong prime_;
  ulong inverse_ = 0;
  RandomStream& random_;
  std::unordered_map<NodeId, ulong> values_;
};

/// Two primes between 2^60 and 2^61. Kept for the seed they belong to: finding them takes longer than using
/// them.
struct Primes {
  std::uint64_t seed = 0;
  ulong primes[2] = {0, 0};
};

const Primes& primes_of(std::uint64_t seed) {
  thread_local Primes kept;
  if (kept.seed == seed && kept.primes[0] != 0) return kept;
  RandomStream random(seed, kStreamName, 1);
  kept.seed = seed;
  for (ulong& prime : kept.primes) {
    prime = n_nextprime((ulong{1} << 60) + (random.next_u64() >> 4), 1);
  }
  return kept;
}

}  // namespace

Outcome zero_modulo_primes(Pool& pool, NodeId node) {
  if (pool[node].degree > kMaxDegree) return Outcome::refused;
  const std::uint64_t seed = point_seed();
  const Primes primes = primes_of(seed);
  RandomStream random(seed, kStreamName, 2);
  for (const ulong prime : primes.primes) {
    int num_points = 0;
    for (int attempt = 0; attempt < 10 && num_points < 2; ++attempt) {
      const auto value = ModularPoint(pool, prime, random).value(node);
      if (!value) continue;
      if (*value != 0) return Outcome::nonzero;
      ++num_points;
    }
    if (num_points < 2) return Outcome::unknown;
  }
  return Outcome::zero;
}

}  // namespace reckon::exact
