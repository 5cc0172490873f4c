#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <chrono>

#include "reckon/base/aligned_buffer.h"
#include "step_work.h"

namespace reckon::bench {

double brgemm_rate(Communicator& world, ComputeDtype dtype) {
  // What the engine multiplies at a time (src/ops/linear.cpp), and a layer of the small shape: all of it in
  // the second-level cache.
  constexpr std::int64_t kRows = 64, kOut = 768, kIn = 256;
  constexpr int kWindows = 8;
  constexpr int kCalls = 1000;
  AlignedBuffer a(kRows * kIn), b(kIn * kOut), c(kRows * kOut);
  // Half of each is enough in bfloat16, where the bits of 0.5 are two small numbers.
  std::fill_n(a.data(), a.size(), 0.5f);
  std::fill_n(b.data(), b.size(), 0.25f);
  double best = 0;
  for (int window = 0; window <= kWindows; ++window) {
    world.barrier();
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i) {
      if (dtype == ComputeDtype::bfloat16) {
        at::native::cpublas::brgemm(kRows, kOut, kIn, kIn, kOut, kOut, false,
                                    reinterpret_cast<const at::BFloat16*>(a.data()),
                                    reinterpret_cast<const at::BFloat16*>(b.data()), c.data());
        continue;
      }
      at::native::cpublas::brgemm(kRows, kOut, kIn, kIn, kOut, kOut, false, a.data(), b.data(), c.data());
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    double rate = 2.0 * kRows * kOut * kIn * kCalls / seconds.count();
    world.sum({&rate, 1});
    if (window > 0) best = std::max(best, rate);  // the first window warms up
  }
  return best;
}

}  // namespace reckon::bench
