#pragma once

#include "emulator/emulator.h"

/// What instructions that wait need of the scheduler.
namespace reckon::emulator {

[[nodiscard]] Order order();
/// Something happened that a waiting thread may be waiting for: the grid does not stand still.
void note_progress();
/// Back to the scheduler, until it comes to this thread again.
void let_others_run();

}  // namespace reckon::emulator
