#include "wire.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace reckon {
namespace {

// Which optional parts of a node follow.
enum Field : std::uint8_t {
  kName = 1,
  kDigits = 2,
  kRelations = 4,
  kColumns = 8,
  kFlags = 16,
};
constexpr std::uint8_t kAllFields = 31;
enum Flag : std::uint8_t { kHasPoint = 1, kLowClosed = 2, kHighClosed = 4, kClock = 8 };
constexpr std::uint8_t kAllFlags = 15;

constexpr auto kLastOp = static_cast<std::uint8_t>(Op::cases);
constexpr auto kLastRelation = static_cast<std::uint8_t>(Relation::maps_to);

class Writer {
 public:
  void tree(const Expr& expr) {
    const auto flags =
        static_cast<std::uint8_t>((expr.has_point ? kHasPoint : 0) | (expr.low_closed ? kLowClosed : 0) |
                                  (expr.high_closed ? kHighClosed : 0) | (expr.clock ? kClock : 0));
    const bool has_number = !expr.digits.empty() || expr.num_fraction_digits != 0 || expr.exponent10 != 0;
    byte(static_cast<std::uint8_t>(expr.op));
    byte(static_cast<std::uint8_t>((expr.name.empty() ? 0 : kName) | (has_number ? kDigits : 0) |
                                   (expr.relations.empty() ? 0 : kRelations) |
                                   (expr.num_columns == 0 ? 0 : kColumns) | (flags == 0 ? 0 : kFlags)));
    if (!expr.name.empty()) text(expr.name);
    if (has_number) {
      text(expr.digits);
      signed_number(expr.num_fraction_digits);
      signed_number(expr.exponent10);
    }
    if (!expr.relations.empty()) {
      number(expr.relations.size());
      for (const Relation relation : expr.relations) byte(static_cast<std::uint8_t>(relation));
    }
    if (expr.num_columns != 0) signed_number(expr.num_columns);
    if (flags != 0) byte(flags);
    number(expr.args.size());
    for (const Expr& arg : expr.args) tree(arg);
  }
  void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  void number(std::uint64_t value) {
    for (; value >= 128; value >>= 7) byte(static_cast<std::uint8_t>(value & 127) | 128);
    byte(static_cast<std::uint8_t>(value));
  }
  /// 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
  void signed_number(std::int64_t value) {
    const auto doubled = static_cast<std::uint64_t>(value) << 1;
    number(value < 0 ? ~doubled : doubled);
  }
  void text(const std::string& value) {
    number(value.size());
    bytes_ += value;
  }

  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool tree(Expr& expr, int depth = 0) {
    if (depth >= kMaxWireDepth || ++num_nodes_ > kMaxWireNodes) return false;
    std::uint8_t op = 0;
    std::uint8_t fields = 0;
    if (!byte(op) || op > kLastOp || !byte(fields) || fields > kAllFields) return false;
    expr.op = static_cast<Op>(op);
    if ((fields & kName) != 0 && !text(expr.name)) return false;
    if ((fields & kDigits) != 0 && !number_fields(expr)) return false;
    if ((fields & kRelations) != 0 && !relations(expr)) return false;
    if ((fields & kColumns) != 0 && !signed_number(expr.num_columns)) return false;
    std::uint8_t flags = 0;
    if ((fields & kFlags) != 0 && (!byte(flags) || flags > kAllFlags)) return false;
    expr.has_point = (flags & kHasPoint) != 0;
    expr.low_closed = (flags & kLowClosed) != 0;
    expr.high_closed = (flags & kHighClosed) != 0;
    expr.clock = (flags & kClock) != 0;
    // Every node takes at least three bytes: a count that cannot be true allocates nothing.
    std::uint64_t num_args = 0;
    if (!number(num_args) || num_args > rest_.size() / 3) return false;
    expr.args.resize(num_args);
    return std::all_of(expr.args.begin(), expr.args.end(), [&](Expr& arg) { return tree(arg, depth + 1); });
  }
  bool byte(std::uint8_t& value) {
    if (rest_.empty()) return false;
    value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] bool is_at_end() const { return rest_.empty(); }

 private:
  bool number(std::uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      std::uint8_t part = 0;
      if (!byte(part)) return false;
      if (shift == 63 && part > 1) return false;
      value |= static_cast<std::uint64_t>(part & 127) << shift;
      if (part < 128) return true;
    }
    return false;
  }
  template <class T>
  bool signed_number(T& value) {
    std::uint64_t coded = 0;
    if (!number(coded)) return false;
    const auto half = static_cast<std::int64_t>(coded >> 1);
    const std::int64_t wide = (coded & 1) != 0 ? -half - 1 : half;
    if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max()) return false;
    value = static_cast<T>(wide);
    return true;
  }
  bool text(std::string& value) {
    std::uint64_t size = 0;
    if (!number(size) || size > rest_.size()) return false;
    value = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  bool number_fields(Expr& expr) {
    if (!text(expr.digits) || !signed_number(expr.num_fraction_digits) || !signed_number(expr.exponent10))
      return false;
    return std::all_of(expr.digits.begin(), expr.digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  }
  bool relations(Expr& expr) {
    std::uint64_t count = 0;
    if (!number(count) || count > rest_.size()) return false;
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint8_t relation = 0;
      if (!byte(relation) || relation > kLastRelation) return false;
      expr.relations.push_back(static_cast<Relation>(relation));
    }
    return true;
  }

  std::string_view rest_;
  std::size_t num_nodes_ = 0;
};

}  // namespace

std::string write_expr(const Expr& expr) {
  Writer writer;
  writer.byte(kWireVersion);
  writer.tree(expr);
  return writer.take();
}

std::optional<Expr> read_expr(std::string_view bytes) {
  Reader reader(bytes);
  std::uint8_t version = 0;
  Expr expr;
  if (!reader.byte(version) || version != kWireVersion || !reader.tree(expr) || !reader.is_at_end())
    return std::nullopt;
  return expr;
}

}  // namespace reckon
