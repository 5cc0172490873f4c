// GPUs as their driver describes them, and sums over them by NCCL.
#include <chrono>
#include <sstream>

#include "checks.h"
#include "judge.h"
#include "reckon/base/child_process.h"
#include "reckon/base/error.h"
#ifndef RECKON_EMULATE_CUDA
#include "reckon/cuda/runtime.h"
#include "reckon/dist/nccl_communicator.h"
#include "reckon/gpu/engine.h"
#endif

namespace reckon::doctor {
namespace {

/// A line of nvidia-smi.
struct Gpu {
  std::string index, name;
  double memory_mb = 0, free_mb = 0, clock_mhz = 0, most_mhz = 0, celsius = 0;
  std::string
      errors;  ///< memory errors that were not corrected since it started; "[N/A]" where none are counted
};

std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields;
  std::istringstream in(line);
  for (std::string field; std::getline(in, field, ',');) {
    const std::size_t begin = field.find_first_not_of(' ');
    fields.push_back(begin == std::string::npos ? "" : field.substr(begin));
  }
  return fields;
}

/// The lines of nvidia-smi; none where it is not there or does not answer.
std::string gpu_lines() {
  try {
    ChildProcess tool(
        {"nvidia-smi",
         "--query-gpu=index,name,memory.total,memory.free,clocks.sm,clocks.max.sm,temperature.gpu,"
         "ecc.errors.uncorrected.volatile.total",
         "--format=csv,noheader,nounits"},
        {.name = "nvidia-smi"});
    std::string lines;
    for (ChildLine line = tool.exchange("", 20); line.status == ChildStatus::line;
         line = tool.exchange("", 20))
      lines += line.text + "\n";
    return lines;
  } catch (const Error&) {
    return "";  // there is none
  }
}

std::vector<Gpu> read_gpus(const std::string& lines) {
  std::vector<Gpu> gpus;
  std::istringstream in(lines);
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> field = fields_of(line);
    if (field.size() != 8) continue;  // an error message
    const auto number = [&](std::size_t i) { return std::atof(field[i].c_str()); };
    gpus.push_back({field[0], field[1], number(2), number(3), number(4), number(5), number(6), field[7]});
  }
  return gpus;
}

void judge_gpu(const Gpu& gpu, const std::string& host, const Gpu& first, Finding& finding) {
  constexpr double kHot = 85;
  const std::string which = "GPU " + gpu.index + " of " + host;
  const auto mib = [](double mb) { return std::to_string(static_cast<int>(mb)) + " MiB"; };
  if (gpu.name != first.name)
    finding.warn(which + " is a " + gpu.name + ", others are a " + first.name +
                 ": bits differ between kinds of GPUs");
  if (gpu.free_mb < 0.9 * gpu.memory_mb)
    finding.warn(which + " has " + mib(gpu.free_mb) + " of " + mib(gpu.memory_mb) +
                 " free: another process holds the rest. nvidia-smi names it");
  if (gpu.celsius > kHot)
    finding.warn(which + " is at " + std::to_string(static_cast<int>(gpu.celsius)) +
                 " degrees Celsius: it will slow down. Look at the cooling");
  if (std::atoi(gpu.errors.c_str()) > 0)
    finding.fail(which + " had " + gpu.errors +
                 " memory errors that were not corrected: reset it, and replace it if they come again");
}

}  // namespace

Finding check_gpus(Examination& examination) {
  const std::vector<HostRanks> hosts = hosts_of(examination.facts);
  const RankFacts& mine = examination.facts.at(static_cast<std::size_t>(examination.world.rank()));
  bool speaks = false;
  for (const HostRanks& host : hosts) speaks = speaks || host.ranks.front() == mine.rank;
  const std::vector<std::string> all = examination.world.all_gather(speaks ? gpu_lines() : "");
  std::vector<std::vector<Gpu>> of_hosts;
  const Gpu* first = nullptr;
  for (const HostRanks& host : hosts)
    of_hosts.push_back(read_gpus(all.at(static_cast<std::size_t>(host.ranks.front()))));
  for (const auto& gpus : of_hosts) {
    if (first == nullptr && !gpus.empty()) first = &gpus.front();
  }
  if (first == nullptr) return skipped("no GPU: not looked at");
  Finding finding;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const auto& gpus = of_hosts[i];
    if (gpus.size() != of_hosts.front().size())
      finding.warn(hosts[i].host + " has " + std::to_string(gpus.size()) + " GPUs, " + hosts.front().host +
                   " has " + std::to_string(of_hosts.front().size()));
    if (!gpus.empty() && hosts[i].ranks.size() > gpus.size())
      finding.warn(hosts[i].host + " has " + std::to_string(hosts[i].ranks.size()) + " ranks and " +
                   std::to_string(gpus.size()) + " GPUs: ranks that share one sum on the host, slowly");
    for (const Gpu& gpu : gpus) judge_gpu(gpu, hosts[i].host, *first, finding);
  }
  finding.found = std::to_string(of_hosts.front().size()) + " on " + hosts.front().host + ": " + first->name +
                  ", " + std::to_string(static_cast<int>(first->free_mb)) + " of " +
                  std::to_string(static_cast<int>(first->memory_mb)) + " MiB free, " +
                  std::to_string(static_cast<int>(first->clock_mhz)) + " of " +
                  std::to_string(static_cast<int>(first->most_mhz)) + " MHz";
  return finding;
}

#ifdef RECKON_EMULATE_CUDA

Finding check_nccl(Examination&) {
  return skipped("built without CUDA");
}

#else

Finding check_nccl(Examination& examination) {
  Communicator& world = examination.world;
  double fewest = -static_cast<double>(cuda::device_count());
  world.maximum({&fewest, 1});
  if (fewest == 0) return skipped("a rank sees no GPU");
  const int device = gpu::choose_device();
  if (world.size() == 1) return skipped("one rank");
  if (gpu::ranks_share_devices(world)) return skipped("ranks share a GPU: they do not use NCCL");
  constexpr std::size_t kCount = std::size_t{16} << 20;
  const auto devices = make_nccl_communicator(
      world, make_nccl_calls(device), {.device = device, .host = {}, .timeout_s = examination.timeout_s});
  const std::vector<float> ones(kCount, 1.0F);
  cuda::DeviceArray<float> values;
  cuda::OwnedStream stream;
  double seconds = 0;
  for (int i = 0; i < 3; ++i) {
    values.upload(ones, stream.get());
    cuda::synchronize(stream.get());
    world.barrier();
    const auto start = std::chrono::steady_clock::now();
    devices->all_reduce_sum(values.data(), kCount, "doctor", stream.get());
    devices->wait("doctor");
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  const std::vector<float> sums = values.download(stream.get());
  bool is_right = true;
  for (const float sum : sums) is_right = is_right && sum == static_cast<float>(world.size());
  const std::vector<std::string> wrong = world.all_gather(is_right ? "" : "x");
  world.maximum({&seconds, 1});
  // A ring moves 2 (n - 1) / n of the bytes through each rank.
  const double bytes = 4.0 * static_cast<double>(kCount) * 2 * (world.size() - 1) / world.size();
  Finding finding{.found = "64 MiB summed in " + time_text(seconds) + ", " + speed_text(bytes / seconds) +
                           " a rank"};
  for (std::size_t rank = 0; rank < wrong.size(); ++rank) {
    if (!wrong[rank].empty())
      finding.fail(name_of(examination.facts.at(rank)) +
                   " got a wrong sum by NCCL. Do not train on this machine");
  }
  return finding;
}

#endif

}  // namespace reckon::doctor
