#include "reckon/rollout/sampler.h"

#include <utility>

#include "admission.h"
#include "reckon/base/philox.h"
#include "reckon/rollout/continuous_sampler.h"

namespace reckon {

std::uint32_t stage_key(std::string_view stage_name) {
  std::uint64_t hash = 0;
  for (const char c : stage_name) hash = mix64(hash, static_cast<unsigned char>(c));
  return static_cast<std::uint32_t>(hash);
}

Sampler::Sampler(std::unique_ptr<SamplingBackend> backend) : backend_(std::move(backend)) {}
Sampler::Sampler(const Decoder& decoder) : Sampler(make_cpu_sampling_backend(decoder)) {}

std::vector<Sample> Sampler::generate(std::span<const SampleRequest> requests, const SampleOptions& options) {
  std::vector<Sample> samples(requests.size());
  if (requests.empty()) return samples;
  SampleOptions collecting = options;
  collecting.on_finished = [&](std::size_t request, const Sample& sample) {
    samples[request] = sample;
    if (options.on_finished) options.on_finished(request, sample);
  };
  ContinuousSampler sampler(*backend_, collecting, capacity_for(requests, options.max_new_tokens));
  sampler.add(requests);  // the ids are the places in the list
  while (!sampler.is_idle()) sampler.step();
  return samples;
}

}  // namespace reckon
