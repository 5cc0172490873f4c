#pragma once

#include <functional>

#include "reckon/dist/communicator.h"

namespace reckon {

/// Runs something on every rank that can fail, and fails on all ranks where it failed on any: the lowest such
/// rank throws its error, the others throw one without a text, which main() does not print. Collective; for
/// the time before the first step, where ranks are not inside other collective calls.
void run_together(Communicator& world, const std::function<void()>& work);

}  // namespace reckon
