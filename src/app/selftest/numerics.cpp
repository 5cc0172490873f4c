// Whether this machine's operations give the same bits each time, and those of the other ranks' machines.
#include "checks.h"
#include "reckon/ops/fingerprint.h"
#include "reckon/ops/isa.h"

namespace reckon::selftest {

std::string check_numerics(SelfTest& test, Comparison& comparison) {
  const std::string first = numerics_fingerprint(Precision());
  comparison.text("fingerprint of the operations", "at first", first, "again",
                  numerics_fingerprint(Precision()));
  const std::string of_rank_0 = test.world.all_gather(first).front();
  comparison.text("fingerprint of the operations", "on rank 0", of_rank_0, "here", first);
  const int ranks = test.world.size();
  return "fingerprint " + first.substr(0, 12) + ", " + std::string(active_isa()) +
         (ranks == 1 ? ", twice" : ", " + std::to_string(ranks) + " ranks");
}

}  // namespace reckon::selftest
