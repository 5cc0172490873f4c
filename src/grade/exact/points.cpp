#include "points.h"

#include <sys/random.h>

#include <cerrno>
#include <optional>
#include <system_error>

namespace reckon::exact {
namespace {

/// The seed that a ScopedPointSeed of this thread set.
thread_local std::optional<std::uint64_t> thread_seed;

std::uint64_t draw_seed() {
  std::uint64_t seed = 0;
  ssize_t count = 0;
  do {
    count = getrandom(&seed, sizeof seed, 0);
  } while (count < 0 && errno == EINTR);
  if (count != sizeof seed)
    throw std::system_error(errno, std::generic_category(), "getrandom: no random bytes");
  return seed;
}

}  // namespace

std::uint64_t point_seed() {
  static const std::uint64_t process_seed = draw_seed();
  return thread_seed.value_or(process_seed);
}

ScopedPointSeed::ScopedPointSeed(std::uint64_t seed) {
  thread_seed = seed;
}

ScopedPointSeed::~ScopedPointSeed() {
  thread_seed.reset();
}

}  // namespace reckon::exact
