#include "calcium.h"

#include "calcium_headers.h"

#include "grade/exact/fold.h"

namespace reckon {
namespace {

class Context {
 public:
  Context() { ca_ctx_init(context_); }
  ~Context() { ca_ctx_clear(context_); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  [[nodiscard]] ca_ctx_struct* get() { return context_; }

 private:
  ca_ctx_t context_;
};

class Value {
 public:
  explicit Value(Context& context) : context_(context) { ca_init(value_, context.get()); }
  ~Value() { ca_clear(value_, context_.get()); }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  [[nodiscard]] ca_struct* get() { return value_; }

 private:
  Context& context_;
  ca_t value_;
};

class Evaluator {
 public:
  explicit Evaluator(Context& context) : context_(context) {}

  /// \return false for what Calcium is not asked.
  bool evaluate(const Expr& expr, ca_t result) {
    ca_ctx_struct* ctx = context_.get();
    switch (expr.op) {
      case Op::number: {
        const auto value = exact::literal_value(expr);
        if (!value) return false;
        ca_set_fmpq(result, value->get(), ctx);
        return true;
      }
      case Op::pi:
        ca_pi(result, ctx);
        return true;
      case Op::euler:  // ca_euler() is another constant of Euler's, 0.577...
        ca_one(result, ctx);
        ca_exp(result, result, ctx);
        return true;
      case Op::imaginary:
        ca_i(result, ctx);
        return true;
      case Op::add:
      case Op::multiply:
        return n_ary(expr, result);
      case Op::divide:
      case Op::power:
      case Op::root:
        return binary(expr, result);
      default:
        return unary(expr, result);
    }
  }

 private:
  bool n_ary(const Expr& expr, ca_t result) {
    ca_set_si(result, expr.op == Op::add ? 0 : 1, context_.get());
    Value term(context_);
    for (const Expr& arg : expr.args) {
      if (!evaluate(arg, term.get())) return false;
      if (expr.op == Op::add) {
        ca_add(result, result, term.get(), context_.get());
      } else {
        ca_mul(result, result, term.get(), context_.get());
      }
    }
    return true;
  }

  bool binary(const Expr& expr, ca_t result) {
    if (expr.args.size() != 2) return false;
    Value second(context_);
    if (!evaluate(expr.args[0], result) || !evaluate(expr.args[1], second.get())) return false;
    if (expr.op == Op::divide) {
      ca_div(result, result, second.get(), context_.get());
      return true;
    }
    if (expr.op == Op::root) ca_inv(second.get(), second.get(), context_.get());
    ca_pow(result, result, second.get(), context_.get());
    return true;
  }

  bool unary(const Expr& expr, ca_t result) {
    using Function = void (*)(ca_struct*, const ca_struct*, ca_ctx_struct*);
    const Function function = function_of(expr.op);
    if (function == nullptr || expr.args.size() != 1) return false;
    Value argument(context_);
    if (!evaluate(expr.args[0], argument.get())) return false;
    function(result, argument.get(), context_.get());
    return true;
  }

  static void (*function_of(Op op))(ca_struct*, const ca_struct*, ca_ctx_struct*) {
    switch (op) {
      case Op::negate:
        return ca_neg;
      case Op::exp:
        return ca_exp;
      case Op::ln:
        return ca_log;
      case Op::sin:
        return ca_sin;
      case Op::cos:
        return ca_cos;
      case Op::tan:
        return ca_tan;
      case Op::arcsin:
        return ca_asin;
      case Op::arccos:
        return ca_acos;
      case Op::arctan:
        return ca_atan;
      case Op::absolute:
        return ca_abs;
      case Op::floor:
        return ca_floor;
      case Op::sign:
        return ca_sgn;
      case Op::conjugate:
        return ca_conj;
      default:
        return nullptr;
    }
  }

  Context& context_;
};

}  // namespace

Equality equal_by_calcium(const Expr& a, const Expr& b) {
  Context context;
  Value x(context);
  Value y(context);
  Evaluator evaluator(context);
  if (!evaluator.evaluate(a, x.get()) || !evaluator.evaluate(b, y.get())) return Equality::undecided;
  // Undefined values and infinities equal nothing here.
  if (ca_is_special(x.get(), context.get()) != 0 || ca_is_special(y.get(), context.get()) != 0) {
    return Equality::undecided;
  }
  switch (ca_check_equal(x.get(), y.get(), context.get())) {
    case T_TRUE:
      return Equality::equal;
    case T_FALSE:
      return Equality::different;
    default:
      return Equality::undecided;
  }
}

}  // namespace reckon
