#include "reckon/ops/isa.h"

#include <ATen/native/CPUBlas.h>

#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

bool has_avx2() {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0 &&
         __builtin_cpu_supports("bmi2") != 0;
}

bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512cd") != 0;
}

std::string_view choose() {
  const char* asked = std::getenv("RECKON_ISA");
  const std::string_view name = asked == nullptr ? "" : asked;
  if (!name.empty() && name != "avx2" && name != "avx512") {
    throw Error(ExitCode::environment, "RECKON_ISA is \"" + std::string(name) + "\" (need avx2 or avx512)");
  }
  if (name != "avx2" && has_avx512()) return "avx512";
  if (name != "avx512" && has_avx2()) return "avx2";
  throw Error(ExitCode::environment, "this machine has not the instructions of " +
                                         std::string(name.empty() ? "avx2" : name) + ", which reckon needs");
}

/// Whether oneDNN does: it may know less than the processor, and throws then.
bool can_multiply_bf16() {
  if (__builtin_cpu_supports("avx512bf16") == 0) return false;
  constexpr int kSize = 16;
  const std::vector<at::BFloat16> factors(kSize * kSize, at::BFloat16(0.5f));
  std::vector<float> product(kSize * kSize);
  try {
    at::native::cpublas::brgemm(kSize, kSize, kSize, kSize, kSize, kSize, false, factors.data(),
                                factors.data(), product.data());
  } catch (const std::exception&) {
    return false;
  }
  return true;
}

}  // namespace

std::string_view active_isa() {
  static const std::string_view isa = choose();
  return isa;
}

const Kernels& kernels() {
  static const Kernels& table = active_isa() == "avx512" ? kernels_avx512::table() : kernels_avx2::table();
  return table;
}

void check_compute_dtype(ComputeDtype dtype) {
  if (dtype == ComputeDtype::float32) return;
  if (active_isa() != "avx512" || !can_multiply_bf16()) {
    throw Error(ExitCode::environment,
                "compute_dtype bfloat16: this machine has not the instruction for it (AVX512_BF16), or the "
                "environment "
                "forbids it (RECKON_ISA, ONEDNN_MAX_CPU_ISA). Use float32.");
  }
}

}  // namespace reckon
