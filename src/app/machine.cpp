#include "machine.h"

#include "reckon/ops/isa.h"

namespace reckon {

void check_machine() {
  (void)active_isa();
}

}  // namespace reckon
