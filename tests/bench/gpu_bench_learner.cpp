// A learner's update, and how far its log-probs are from the sampler's.
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>

#include "gpu_bench.h"
#include "gpu_bench_models.h"
#include "reckon/dist/communicator.h"
#include "reckon/dist/device_communicator.h"
#include "reckon/gpu/engine.h"
#include "reckon/rollout/sampler.h"

namespace reckon::bench {
namespace {

constexpr double kPeakFlop =
    989e12;  // of an H100 or H200 in dense bfloat16, by NVIDIA's data sheet: what MFU is a share of
constexpr float kTemperature = 1.0f;

struct Sizes {
  std::int64_t sequences = 16, prompt = 64,
               completion = 961;  ///< rows: 16 x 1,024, for the last token is only a target
  int updates = 4;                ///< measured, behind one that warms up
};

/// Sequences with prompts of their own.
struct Sequences {
  std::vector<std::vector<std::uint32_t>> tokens;
  std::vector<TrainSequence> sequences;

  Sequences(const Sizes& sizes, std::int64_t vocab) {
    const auto prompt = static_cast<std::size_t>(sizes.prompt);
    for (std::int64_t i = 0; i < sizes.sequences; ++i) {
      tokens.push_back(random_tokens(static_cast<std::size_t>(sizes.prompt + sizes.completion), vocab,
                                     static_cast<std::uint64_t>(60 + i)));
    }
    for (const auto& sequence : tokens) {
      const std::span<const std::uint32_t> all(sequence);
      sequences.push_back({all.first(prompt), all.subspan(prompt)});
    }
  }
};

/// FLOP of forward and backward: 6 for each weight of a layer and row, 6 H V for each row of the output
/// layer, and three times the forward pass of causal attention, whose rows see half of their sequence on
/// average. Nothing is counted twice that is computed again.
double update_flop(const DecoderConfig& config, const Sizes& sizes) {
  const double head = static_cast<double>(config.hidden_size) * static_cast<double>(config.vocab_size);
  const double layers = product_weights(config) - head;
  const auto length = static_cast<double>(sizes.prompt + sizes.completion - 1);
  const auto sequences = static_cast<double>(sizes.sequences);
  return 6 * layers * sequences * length + 6 * head * sequences * static_cast<double>(sizes.completion) +
         3 * sequences * length * attention_flop(config, (length + 1) / 2);
}

/// The engine of a model of random weights, and its learner.
struct LearnerSetup {
  std::unique_ptr<Decoder> decoder;
  gpu::Engine engine;
  std::unique_ptr<Communicator> world = make_serial_communicator();
  std::unique_ptr<DeviceCommunicator> devices = make_serial_device_communicator();
  std::unique_ptr<Learner> learner;

  LearnerSetup(const std::string& model, Numerics numerics, std::int64_t leaf_sequences)
      : decoder(random_decoder(model_config(model))), engine(*decoder, numerics) {
    learner = engine.learner({}, {.leaf_sequences = leaf_sequences}, *world, *devices, 100, nullptr);
  }
};

void time_updates(Bench& bench, const std::string& model, Numerics numerics) {
  const Sizes sizes =
      bench.is_tiny() ? Sizes{.sequences = 4, .prompt = 4, .completion = 6, .updates = 2} : Sizes{};
  LearnerSetup setup(model, numerics, sizes.sequences);
  const DecoderConfig& config = setup.decoder->config();
  const Sequences batch(sizes, config.vocab_size);
  const std::vector<float> logprobs = setup.learner->logprobs(batch.sequences, kTemperature);
  std::vector<SequenceTerms> terms;
  for (std::size_t i = 0; i < batch.sequences.size(); ++i) {
    const auto length = static_cast<std::size_t>(sizes.completion);
    terms.push_back({.sampler_logprob = std::span(logprobs).subspan(i * length, length),
                     .advantage = i % 2 == 0 ? 1.0f : -1.0f,
                     .weight = 1.0 / static_cast<double>(logprobs.size())});
  }
  const UpdateLoss loss{.kind = LossKind::policy, .terms = terms};
  std::vector<double> seconds;
  for (int i = 0; i <= sizes.updates; ++i) {
    const double start = seconds_now();
    const UpdateStats stats = setup.learner->update(batch.sequences, loss, kTemperature, {});
    if (i > 0) seconds.push_back(seconds_now() - start);
    if (!std::isfinite(stats.grad_norm) || stats.grad_norm <= 0)
      throw std::runtime_error("learner: grad_norm " + std::to_string(stats.grad_norm));
  }
  const double flop = update_flop(config, sizes);
  const double rows = static_cast<double>(sizes.sequences * (sizes.prompt + sizes.completion - 1));
  bench.add("update", model_title(model) + " " + std::string(enum_name(numerics)),
            {median(seconds) * 1e3, *std::min_element(seconds.begin(), seconds.end()) * 1e3, sizes.updates},
            {.flop = flop},
            {{"model", model},
             {"numerics", enum_name(numerics)},
             {"rows", rows},
             {"rows_per_s", rows / median(seconds)},
             {"mfu_of_989_tflops", flop / median(seconds) / kPeakFlop}});
}

void compare_logprobs(Bench& bench, const std::string& model, Numerics numerics) {
  const std::int64_t group = bench.size(16, 2);
  LearnerSetup setup(model, numerics, group);
  const std::int64_t vocab = setup.decoder->config().vocab_size;
  std::vector<std::vector<std::uint32_t>> prompts;
  std::vector<SampleRequest> requests;
  for (std::int64_t p = 0; p < bench.size(16, 2); ++p)
    prompts.push_back(random_tokens(static_cast<std::size_t>(bench.size(200, 5) + 3 * p), vocab,
                                    static_cast<std::uint64_t>(80 + p)));
  for (std::size_t p = 0; p < prompts.size(); ++p) {
    for (std::int64_t i = 0; i < group; ++i)
      requests.push_back({prompts[p], {7, 2, p, 0, static_cast<std::uint32_t>(i)}});
  }
  Sampler sampler(setup.engine.sampling_backend());
  // Fewer at once than there are: rows stand beside other rows in sampling than in learning.
  const std::vector<Sample> samples =
      sampler.generate(requests, {.max_new_tokens = bench.size(64, 4), .max_batch = bench.size(96, 3)});
  std::vector<TrainSequence> sequences;
  for (std::size_t i = 0; i < samples.size(); ++i)
    sequences.push_back({requests[i].prompt, samples[i].token_ids});
  const std::vector<float> learned = setup.learner->logprobs(sequences, kTemperature);
  double most = 0;
  double sum = 0;
  std::size_t at = 0;
  std::size_t different = 0;
  for (const Sample& sample : samples) {
    for (const float sampled : sample.logprob) {
      const float other = learned.at(at++);
      different += std::bit_cast<std::uint32_t>(sampled) == std::bit_cast<std::uint32_t>(other) ? 0 : 1;
      const double apart = std::abs(static_cast<double>(sampled) - static_cast<double>(other));
      if (!(apart <= most)) most = apart;  // NaN, too
      sum += apart;
    }
  }
  if (at != learned.size())
    throw std::runtime_error("agreement: the learner has other tokens than the sampler");
  bench.add("sampler and learner", model_title(model) + " " + std::string(enum_name(numerics)),
            {{"model", model},
             {"numerics", enum_name(numerics)},
             {"tokens", at},
             {"tokens_with_other_bits", different},
             {"max_logprob_difference", most},
             {"mean_logprob_difference", sum / static_cast<double>(at)}});
}

}  // namespace

void bench_learner(Bench& bench, std::span<const std::string> models) {
  for (const std::string& model : models) {
    if (model == "7b") {
      bench.add("update", model_title(model),
                {{"model", model}, {"left_out", "weights, gradients and moments do not fit on one GPU"}});
      continue;
    }
    for (const Numerics numerics : {Numerics::exact, Numerics::fast}) time_updates(bench, model, numerics);
  }
}

void bench_agreement(Bench& bench) {
  for (const Numerics numerics : {Numerics::exact, Numerics::fast})
    compare_logprobs(bench, bench.is_tiny() ? "tiny" : "0.5b", numerics);
}

}  // namespace reckon::bench
