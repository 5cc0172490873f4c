#include "reckon/plan/machine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "reckon/base/error.h"
#include "reckon/recipe/problems.h"

namespace reckon::plan {

// NVIDIA's datasheets of the SXM modules: memory as sold (GB), HBM bandwidth, dense bf16, NVLink (both
// directions / 2). A100 80 GB: 2,039 GB/s, 312 TFLOP/s, 600 GB/s. H100: 80 GB, 3.35 TB/s, 989 TFLOP/s, 900
// GB/s. H200: 141 GB, 4.8 TB/s, 989 TFLOP/s, 900 GB/s. B200 (HGX): 180 GB, 7.7 TB/s, 2,250 TFLOP/s, 1,800
// GB/s.
std::span<const Gpu> known_gpus() {
  constexpr double kGib = 1 << 30;
  static const std::array gpus = {
      Gpu{"a100", 80e9 / kGib, 2.039e12, 312e12, 300e9},
      Gpu{"h100", 80e9 / kGib, 3.35e12, 989e12, 450e9},
      Gpu{"h200", 141e9 / kGib, 4.8e12, 989e12, 450e9},
      Gpu{"b200", 180e9 / kGib, 7.7e12, 2250e12, 900e9},
  };
  return gpus;
}

const Gpu& find_gpu(const std::string& name) {
  std::vector<std::string> names;
  for (const Gpu& gpu : known_gpus()) {
    if (gpu.name == name) return gpu;
    names.push_back(gpu.name);
  }
  std::string all;
  for (const std::string& each : names) all += (all.empty() ? "" : ", ") + each;
  throw Error(ExitCode::usage, "--gpu: " + in_quotes(name) + " is not known (need one of " + all + ")." +
                                   did_you_mean(name, names));
}

// On an H200 4.3 TB/s of 4.8 were measured for a copy and 790 TFLOP/s of 989 for bf16 products; the other
// shares are assumptions, to be replaced when a GPU is measured (docs/plan.md).
Rates gpu_rates(const Gpu& gpu, const ModelShape& model) {
  constexpr double kCopy = 4.3 / 4.8, kProducts = 790.0 / 989.0;
  Rates rates;
  rates.products = gpu.bf16_flops * kProducts;
  rates.bandwidth = gpu.bandwidth * kCopy;
  rates.rows = rates.learner_rows = gpu.bandwidth * 0.6;
  rates.attention = gpu.bf16_flops * 0.4;
  rates.logits = rates.bandwidth * 0.85 / 4;  // written and read once, bf16
  rates.backward_factor = 2;
  rates.pass_s =
      model.layers() * 10e-6;  // a recorded pass; Llama-3.1-8B on an H100: 0.3 ms over reading weights
  rates.optimizer =
      rates.bandwidth * 0.85 / 30;  // bytes a parameter: p, g, m, v read; p, m, v and bf16 written
  rates.hash = 1.5e9;               // of one core of the host
  rates.host_link = 50e9;           // PCIe 5, 16 lanes
  return rates;
}

double Network::all_reduce_s(double bytes, std::int64_t ranks) const {
  if (ranks < 2) return 0;
  const double n = static_cast<double>(ranks);
  return 2 * bytes * (n - 1) / n / ring(ranks) + 2 * std::ceil(std::log2(n)) * latency_s;
}

WeightChain weight_chain(const Network& network, double bytes, bool leaves_the_node) {
  constexpr double kMostBucket = 64e6;
  const double link = leaves_the_node ? network.node : network.local;
  const double buckets = std::max(1.0, std::ceil(bytes / kMostBucket));
  const double bucket_s = bytes / buckets / link + network.latency_s;
  return {.fill_s = buckets * bucket_s, .hop_s = bucket_s, .wire_s = bytes / link};
}

}  // namespace reckon::plan
