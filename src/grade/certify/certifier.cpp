#include "certifier.h"
namespace reckon {
Equality certify_equal(const Expr&, const Expr&) {
  return Equality::undecided;
}
}  // namespace reckon
