#include "factor.h"

#include <flint/ulong_extras.h>

namespace reckon::exact {
namespace {

constexpr ulong kTrialLimit = 1000;

/// Writes a number without small factors as the highest power it is, of a number that need not be a prime.
void add_cofactor(const Integer& cofactor, std::vector<std::pair<Integer, std::int64_t>>& factors) {
  Integer base = cofactor;
  std::int64_t exponent = 1;
  // Every prime factor is above 2^9: no exponent above a ninth of the bits.
  const auto max_exponent = static_cast<std::int64_t>(fmpz_bits(cofactor.get()) / 9);
  for (std::int64_t k : {2, 3, 5, 7, 11, 13}) {
    Integer root;
    while (k <= max_exponent && fmpz_root(root.get(), base.get(), k) != 0) {
      base = root;
      exponent *= k;
    }
  }
  factors.emplace_back(std::move(base), exponent);
}

}  // namespace

std::vector<std::pair<Integer, std::int64_t>> factor(const fmpz* n) {
  std::vector<std::pair<Integer, std::int64_t>> factors;
  Integer rest;
  fmpz_set(rest.get(), n);
  for (ulong prime = 2; prime < kTrialLimit && fmpz_cmp_ui(rest.get(), 1) > 0;
       prime = n_nextprime(prime, 1)) {
    if (fmpz_abs_fits_ui(rest.get())) break;
    std::int64_t exponent = 0;
    while (fmpz_divisible_si(rest.get(), static_cast<slong>(prime)) != 0) {
      fmpz_divexact_ui(rest.get(), rest.get(), prime);
      ++exponent;
    }
    if (exponent > 0) factors.emplace_back(Integer(static_cast<std::int64_t>(prime)), exponent);
  }
  if (fmpz_is_one(rest.get())) return factors;
  if (!fmpz_abs_fits_ui(rest.get())) {
    add_cofactor(rest, factors);
    return factors;
  }
  n_factor_t small;
  n_factor_init(&small);
  n_factor(&small, fmpz_get_ui(rest.get()), 1);
  for (int i = 0; i < small.num; ++i) {
    Integer prime;
    fmpz_set_ui(prime.get(), small.p[i]);
    // The trial division above may have stopped between two equal factors.
    factors.emplace_back(std::move(prime), small.exp[i]);
  }
  return factors;
}

}  // namespace reckon::exact
