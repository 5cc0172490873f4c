#pragma once

#include <cstdint>

/// What a process that reads a hostile file denies itself. A limit that ours is lower than stays.
namespace reckon {

/// From here on: so many MiB of address space more, no file that grows, no core dump, and one more open file
/// than there are (with AddressSanitizer as many as it needs). \throws Error(environment)
void limit_reader(std::uint64_t memory_mb);

/// From here on: so many seconds of the processor, to the next full second and one; then SIGXCPU.
/// \throws Error(environment)
void allow_cpu_seconds(std::uint64_t seconds);

}  // namespace reckon
