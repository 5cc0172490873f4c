#include <flint/fmpz_mpoly.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "arithmetic.h"
#include "expand.h"
#include "functions.h"

namespace reckon::exact {
namespace {

// The time of a gcd of polynomials grows fast; larger ones stay as they are.
constexpr std::size_t kMaxVariables = 4;
constexpr std::size_t kMaxTerms = 30;
constexpr std::int64_t kMaxDegree = 20;

using Exponents = std::vector<ulong>;
using Terms = std::vector<std::pair<Rational, Exponents>>;

/// Polynomials in common variables, each a root of an atom such that all exponents are whole.
struct System {
  std::map<NodeId, std::int64_t> degree_of_root;  // ascending by node
  std::vector<Terms> polynomials;
  bool has_fractions = false;
};

std::vector<Part> factors_of(const Pool& pool, NodeId monomial) {
  const Node& node = pool[monomial];
  if (node.kind == Kind::product) return node.parts;
  if (node.kind == Kind::number) return {};
  return {{monomial, 1}};
}

std::vector<Part> terms_of(Pool& pool, NodeId polynomial) {
  const Node& node = pool[polynomial];
  if (node.kind == Kind::sum) {
    std::vector<Part> terms = node.parts;
    if (!node.value.is_zero()) terms.push_back({pool.number(1), node.value});
    return terms;
  }
  if (node.kind == Kind::number) return {{pool.number(1), node.value}};
  return {{polynomial, 1}};
}

std::optional<System> read_system(Pool& pool, const std::vector<NodeId>& args) {
  System system;
  std::vector<NodeId> expanded;
  for (const NodeId arg : args) {
    const auto fraction = together(pool, arg, {.max_terms = kMaxTerms, .max_products = 1000});
    if (!fraction || pool[fraction->denominator].kind != Kind::number) return std::nullopt;
    expanded.push_back(fraction->numerator);
    for (const Part& term : terms_of(pool, fraction->numerator)) {
      system.has_fractions = system.has_fractions || !term.factor.is_integer();
      for (const Part& factor : factors_of(pool, term.node)) {
        const Rational& exponent = factor.factor;
        if (exponent.sign() < 0 || fmpz_cmp_si(exponent.denominator(), 12) > 0) return std::nullopt;
        std::int64_t& degree = system.degree_of_root.try_emplace(factor.node, 1).first->second;
        const std::int64_t denominator = fmpz_get_si(exponent.denominator());
        degree = std::lcm(degree, denominator);
        if (!(exponent * Rational(degree)).is_small(kMaxDegree)) return std::nullopt;
      }
    }
  }
  if (system.degree_of_root.empty() || system.degree_of_root.size() > kMaxVariables) return std::nullopt;
  for (const NodeId polynomial : expanded) {
    Terms terms;
    for (const Part& term : terms_of(pool, polynomial)) {
      Exponents exponents;
      const auto factors = factors_of(pool, term.node);
      for (const auto& [node, degree] : system.degree_of_root) {
        const auto found =
            std::find_if(factors.begin(), factors.end(), [id = node](const Part& p) { return p.node == id; });
        const Rational exponent = found == factors.end() ? Rational() : found->factor * Rational(degree);
        if (!exponent.is_small(12 * kMaxDegree)) return std::nullopt;
        exponents.push_back(static_cast<ulong>(exponent.small()));
      }
      terms.emplace_back(term.factor, std::move(exponents));
    }
    system.polynomials.push_back(std::move(terms));
  }
  return system;
}

/// A ring Z[x1, ..., xn] and what is computed in it.
class Ring {
 public:
  explicit Ring(const System& system) : system_(system) {
    fmpz_mpoly_ctx_init(context_, static_cast<slong>(system.degree_of_root.size()), ORD_LEX);
    fmpz_mpoly_init(result_, context_);
    fmpz_mpoly_init(other_, context_);
    fmpz_mpoly_init(gcd_, context_);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() {
    fmpz_mpoly_clear(gcd_, context_);
    fmpz_mpoly_clear(other_, context_);
    fmpz_mpoly_clear(result_, context_);
    fmpz_mpoly_ctx_clear(context_);
  }

  /// \return undefined() where FLINT gives up.
  NodeId combine(Pool& pool, Op op) {
    read(system_.polynomials[0], result_);
    for (std::size_t i = 1; i < system_.polynomials.size(); ++i) {
      read(system_.polynomials[i], other_);
      if (fmpz_mpoly_gcd(gcd_, result_, other_, context_) == 0) return pool.undefined();
      if (op == Op::gcd) {
        fmpz_mpoly_swap(result_, gcd_, context_);
      } else {
        if (fmpz_mpoly_is_zero(gcd_, context_) != 0) return pool.number(0);
        fmpz_mpoly_mul(result_, result_, other_, context_);
        if (fmpz_mpoly_divides(result_, result_, gcd_, context_) == 0) return pool.undefined();
      }
    }
    return write(pool);
  }

 private:
  /// Over Q a polynomial counts up to a factor: its denominators are dropped.
  void read(const Terms& terms, fmpz_mpoly_t polynomial) {
    Integer denominator(1);
    for (const auto& term : terms) fmpz_lcm(denominator.get(), denominator.get(), term.first.denominator());
    fmpz_mpoly_zero(polynomial, context_);
    for (const auto& [coefficient, exponents] : terms) {
      const Rational whole = coefficient * Rational(denominator.get());
      fmpz_mpoly_push_term_fmpz_ui(polynomial, whole.numerator(), exponents.data(), context_);
    }
    fmpz_mpoly_sort_terms(polynomial, context_);
    fmpz_mpoly_combine_like_terms(polynomial, context_);
  }

  NodeId write(Pool& pool) {
    SumBuilder sum(pool);
    Exponents exponents(system_.degree_of_root.size());
    Integer coefficient;
    Rational leading = 1;
    for (slong i = 0; i < fmpz_mpoly_length(result_, context_); ++i) {
      fmpz_mpoly_get_term_coeff_fmpz(coefficient.get(), result_, i, context_);
      fmpz_mpoly_get_term_exp_ui(exponents.data(), result_, i, context_);
      if (i == 0 && system_.has_fractions) leading = Rational(coefficient.get());
      ProductBuilder product(pool);
      std::size_t variable = 0;
      for (const auto& [node, degree] : system_.degree_of_root) {
        product.multiply(power(
            pool, node,
            Rational(static_cast<std::int64_t>(exponents[variable++]), static_cast<std::uint64_t>(degree))));
      }
      sum.add(product.finish(), Rational(coefficient.get()) / leading);
    }
    return sum.finish();
  }

  const System& system_;
  fmpz_mpoly_ctx_t context_;
  fmpz_mpoly_t result_;
  fmpz_mpoly_t other_;
  fmpz_mpoly_t gcd_;
};

NodeId of_numbers(Pool& pool, Op op, const std::vector<NodeId>& args) {
  Rational result = pool[args[0]].value;
  for (std::size_t i = 1; i < args.size(); ++i) {
    const Rational& other = pool[args[i]].value;
    Rational gcd;
    fmpq_gcd(gcd.get(), result.get(), other.get());
    if (op == Op::gcd) {
      result = gcd;
    } else if (gcd.is_zero()) {
      result = 0;
    } else {
      if (!pool.fits(result.bits() + other.bits())) return pool.stop(Pool::Stop::refused);
      result = result * other / gcd;
    }
  }
  fmpq_abs(result.get(), result.get());
  return pool.number(result);
}

NodeId combine(Pool& pool, Op op, const std::vector<NodeId>& args) {
  if (args.empty()) return pool.undefined();
  const auto is_kind = [&](Kind kind) { return [&pool, kind](NodeId id) { return pool[id].kind == kind; }; };
  if (std::any_of(args.begin(), args.end(), is_kind(Kind::undefined)) ||
      std::any_of(args.begin(), args.end(), is_kind(Kind::infinity))) {
    return pool.undefined();
  }
  if (std::all_of(args.begin(), args.end(), is_kind(Kind::number))) return of_numbers(pool, op, args);
  if (args.size() == 1) return args[0];
  if (const auto system = read_system(pool, args)) {
    const NodeId result = Ring(*system).combine(pool, op);
    if (result != pool.undefined()) return result;
  }
  std::vector<NodeId> sorted = args;
  std::sort(sorted.begin(), sorted.end());
  return pool.opaque(op, "", sorted);
}

}  // namespace

NodeId make_gcd(Pool& pool, const std::vector<NodeId>& args) {
  return combine(pool, Op::gcd, args);
}

NodeId make_lcm(Pool& pool, const std::vector<NodeId>& args) {
  return combine(pool, Op::lcm, args);
}

}  // namespace reckon::exact
