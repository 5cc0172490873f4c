#pragma once

#include "channel.h"

namespace reckon {

// Runs in child processes only, and never returns.

/// The process that starts workers, ends them and reaps them: it is their parent, so no number of an ended
/// worker can have become another process's. Obeys `control`: a message of kSpawn and a slot starts a worker
/// there and answers with its channel attached; kKill and a slot ends and reaps it and answers. Ends all
/// workers and itself when the other end of `control` is closed, which the system does when its owner dies.
[[noreturn]] void run_zygote(int control);

/// Answers requests on a channel until it is closed: two trees of wire.h, each behind its length (4 bytes,
/// little-endian); one byte back, an Equality.
[[noreturn]] void run_worker(int channel);

inline constexpr char kSpawn = 's';
inline constexpr char kKill = 'k';
inline constexpr int kMaxWorkers = 64;

/// What a child starts with: standard streams on /dev/null, no other descriptor but `kept` (which becomes
/// number 3), all signals as the system has them.
void isolate(int kept);

}  // namespace reckon
