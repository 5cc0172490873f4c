#include "calibrate.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

#include "reckon/base/philox.h"
#include "reckon/base/sha256.h"
#include "reckon/learn/cpu_learner.h"
#include "reckon/model/decoder.h"
#include "reckon/ops/linear.h"
#include "reckon/plan/memory_rows.h"
#include "reckon/rollout/sampling_backend.h"
#include "stage_loads.h"

namespace reckon {
namespace {

double thread_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

/// The median of some calls, after one that warms up.
template <class Work>
double seconds_of(int tries, const Work& work) {
  work();
  std::vector<double> seconds;
  for (int i = 0; i < tries; ++i) {
    const double start = thread_seconds();
    work();
    seconds.push_back(thread_seconds() - start);
  }
  return median(std::move(seconds));
}

/// Multiplies on other cores, as the other ranks of the machine will: cores share their clock, memory and
/// often their arithmetic.
class Neighbours {
 public:
  explicit Neighbours(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i)
      threads_.emplace_back([](const std::stop_token& stop) {
        constexpr std::int64_t kRows = 64, kWidth = 256;
        std::vector<float> weight(kWidth * kWidth, 0.01f), x(kRows * kWidth, 0.5f), y(kRows * kWidth);
        PackedWeight packed(weight, kWidth, kWidth);
        packed.pack();
        while (!stop.stop_requested()) linear(x, packed, y);
      });
  }

 private:
  std::vector<std::jthread> threads_;
};

/// A difference of times that noise may have made too small.
double at_least_tenth(double difference, double of) {
  return std::max(difference, of / 10);
}

DecoderConfig probe_of(const DecoderConfig& model) {
  constexpr double kMostWeights = 4e6;  // of a layer
  constexpr std::int64_t kMostWords = 4096, kPositions = 2048;
  const plan::ModelShape shape = shape_of(model, 0);
  const double factor = std::sqrt(kMostWeights / std::max(kMostWeights, shape.layer_matrices()));
  const plan::ModelShape small = plan::scaled(shape, factor);
  DecoderConfig probe = model;
  probe.hidden_size = (small.hidden_size + 15) / 16 * 16;
  probe.intermediate_size = (small.intermediate_size + 15) / 16 * 16;
  probe.num_attention_heads = small.num_attention_heads;
  probe.num_key_value_heads = small.num_key_value_heads;
  probe.num_hidden_layers = std::min<std::int64_t>(model.num_hidden_layers, factor < 1 ? 2 : 4);
  probe.vocab_size = std::min(model.vocab_size, kMostWords);
  probe.max_position_embeddings = kPositions;
  probe.eos_token_ids.clear();
  return probe;
}

class Probe {
 public:
  Probe(const DecoderConfig& config, std::int64_t num_logits, Precision precision,
        const ProbeLengths& lengths)
      : decoder_(config, precision), lengths_(lengths), words_(std::min(num_logits, config.vocab_size)) {
    decoder_.initialise(1, 0.02);
    decoder_.limit_vocabulary(words_);
    shape_ = shape_of(decoder_.config(), words_);
    is_small_ = shape_.parameters() < 2e6;
  }

  [[nodiscard]] plan::Rates rates() {
    measure_memory();
    measure_products();
    measure_decoding();
    measure_learning();
    return rates_;
  }

 private:
  [[nodiscard]] double layer_bytes(double rows) const {
    const plan::MemoryTarget target;
    return shape_.layers() * plan::MemoryRows(shape_, target).layer(rows);
  }
  [[nodiscard]] double products_s(double rows) const {
    return 2 * shape_.layers() * shape_.layer_matrices() * rows / rates_.products;
  }

  void measure_memory() {
    const std::size_t size = std::size_t{64} << 20;
    std::vector<char> from(size, 1), to(size, 2);
    const double copy = seconds_of(3, [&] { std::memcpy(to.data(), from.data(), size); });
    rates_.bandwidth = 2 * static_cast<double>(size) / copy;
    const std::size_t hashed = size / 16;
    const double hash = seconds_of(2, [&] {
      Sha256 sum;
      sum.update(std::string_view(from.data(), hashed));
      (void)sum.hex_digest();
    });
    rates_.hash = static_cast<double>(hashed) / hash;
  }

  void measure_products() {
    constexpr std::int64_t kRows = 256;
    const std::int64_t in = shape_.hidden_size, out = 2 * shape_.intermediate_size;
    std::vector<float> weight(static_cast<std::size_t>(in * out), 0.01f);
    PackedWeight packed(weight, out, in, decoder_.precision().compute);
    packed.pack();
    std::vector<float> x(static_cast<std::size_t>(kRows * in), 0.5f),
        y(static_cast<std::size_t>(kRows * out));
    const double seconds = seconds_of(10, [&] { linear(x, packed, y); });
    rates_.products = 2 * static_cast<double>(kRows * in * out) / seconds;
  }

  /// Decodes a token of each slot at each position of [begin, end); the median of the passes.
  double decode(SamplingBackend& backend, std::span<const std::int32_t> slots, std::int32_t begin,
                std::int32_t end) {
    std::vector<double> seconds;
    PackedRows rows;
    for (std::int32_t position = begin; position < end; ++position) {
      rows.clear();
      for (const std::int32_t slot : slots)
        rows.add(static_cast<std::uint32_t>(position % words_), slot, position);
      const double start = thread_seconds();
      backend.forward(rows);
      seconds.push_back(thread_seconds() - start);
    }
    return median(std::move(seconds));
  }

  void measure_decoding() {
    constexpr std::int32_t kNear = 12, kFar = 96, kPasses = 7;
    const std::int64_t count = is_small_ ? 128 : 32;
    const auto backend = make_cpu_sampling_backend(decoder_);
    std::vector<std::int32_t> slots;
    backend->reset_cache((count + 1) * KvBlocks::blocks_for(kFar + kPasses));
    for (std::int64_t i = 0; i < count; ++i) slots.push_back(backend->cache().open(kFar + kPasses));
    (void)decode(*backend, slots, 0, kNear);
    const double near = decode(*backend, slots, kNear, kNear + kPasses);
    const double choose = measure_choice(*backend, count);
    const std::int32_t alone = backend->cache().open(kFar + kPasses);
    (void)decode(*backend, std::span(&alone, 1), 0, kNear);
    const double one = decode(*backend, std::span(&alone, 1), kNear, kNear + kPasses);
    (void)decode(*backend, slots, kNear + kPasses, kFar);
    const double far = decode(*backend, slots, kFar, kFar + kPasses);

    const auto n = static_cast<double>(count);
    const double pair_flops = 4 * shape_.queries() * shape_.layers();
    const double looks = at_least_tenth((far - near) / (kFar - kNear), near / kFar) / n;  // of a pair
    rates_.attention = pair_flops / looks;
    // A pass of n rows is pass_s + n row_s: of the row, what is neither product nor attention passes
    // activations.
    const double row_s = (near - one) / (n - 1);
    rates_.pass_s = std::max(0.0, one - row_s);
    const double rest = at_least_tenth(row_s - products_s(1) - looks * (kNear + kPasses / 2.0), row_s);
    rates_.rows = layer_bytes(1) / rest;
    const double head_products = 2 * shape_.hidden() * shape_.logits() / rates_.products;
    rates_.logits = shape_.logits() / at_least_tenth(choose / n - head_products, choose / n);
  }

  double measure_choice(SamplingBackend& backend, std::int64_t count) {
    std::vector<TokenChoice> choices(static_cast<std::size_t>(count));
    std::vector<SampledToken> tokens(choices.size());
    for (std::int64_t i = 0; i < count; ++i)
      choices[static_cast<std::size_t>(i)] = {.row = i, .key = {.seed = 1}, .position = 3};
    return seconds_of(4, [&] { backend.choose(choices, 1.0, Decoding::sample, tokens); });
  }

  void measure_learning() {
    const auto world = make_serial_communicator();
    const std::int64_t leaf = std::max<std::int64_t>(1, lengths_.leaf_sequences);
    CpuLearner learner(decoder_, {}, {.leaf_sequences = leaf}, *world, 1000);
    RandomStream random(1, 2);
    const auto ids = [&](std::int64_t size) {
      std::vector<std::uint32_t> out(static_cast<std::size_t>(size));
      for (std::uint32_t& id : out) id = random.below(static_cast<std::uint32_t>(words_));
      return out;
    };
    std::vector<std::vector<std::uint32_t>> prompts, completions;
    for (std::int64_t i = 0; i < 2 * leaf; ++i) {
      if (i % std::max<std::int64_t>(1, lengths_.group_size) == 0 || i == leaf)
        prompts.push_back(ids(lengths_.prompt));
      completions.push_back(ids(lengths_.completion));
      sequence_prompts_.push_back(prompts.size() - 1);
    }
    std::vector<TrainSequence> sequences;
    std::vector<SequenceTerms> terms;
    for (std::size_t i = 0; i < completions.size(); ++i) {
      sequences.push_back({prompts[sequence_prompts_[i]], completions[i]});
      terms.push_back({.weight = 1e-3});
    }
    const auto one = static_cast<std::size_t>(leaf);
    const auto loss = [&](std::size_t count) {
      return UpdateLoss{.kind = LossKind::cross_entropy, .terms = std::span(terms).first(count)};
    };
    double rows = 0;
    const double forward =
        seconds_of(3, [&] { rows = learner.measure(std::span(sequences).first(one), loss(one), 1).rows; });
    const double update_one =
        seconds_of(4, [&] { (void)learner.update(std::span(sequences).first(one), loss(one), 1, {}); });
    const double update_two = seconds_of(4, [&] { (void)learner.update(sequences, loss(2 * one), 1, {}); });
    solve_learning(rows, forward, update_one, at_least_tenth(update_two - update_one, update_one));
  }

  void solve_learning(double rows, double forward, double update, double leaf) {
    const double targets = static_cast<double>(lengths_.leaf_sequences * lengths_.completion);
    const auto prompt = static_cast<double>(lengths_.prompt),
               length = static_cast<double>(lengths_.completion);
    const double pairs = static_cast<double>(lengths_.leaf_sequences) * length * (prompt + length / 2);
    const double known =
        products_s(rows) + 4 * shape_.queries() * shape_.layers() * pairs / rates_.attention +
        targets * (2 * shape_.hidden() * shape_.logits() / rates_.products + shape_.logits() / rates_.logits);
    rates_.learner_rows = layer_bytes(rows) / at_least_tenth(forward - known, forward);
    const double once = known + layer_bytes(rows) / rates_.learner_rows;
    const double tree = 16 * shape_.parameters() / rates_.bandwidth;
    rates_.backward_factor = std::max(1.0, (leaf - tree) / once - 1);
    rates_.optimizer = shape_.parameters() / at_least_tenth(update - leaf, update);
  }

  Decoder decoder_;
  ProbeLengths lengths_;
  std::int64_t words_;
  plan::ModelShape shape_;
  bool is_small_ = true;
  std::vector<std::size_t> sequence_prompts_;
  plan::Rates rates_;
};

}  // namespace

plan::Rates calibrate_cpu(const DecoderConfig& model, std::int64_t num_logits, Precision precision,
                          const ProbeLengths& lengths, std::int64_t ranks) {
  at::set_num_threads(1);
  const Neighbours neighbours(ranks - 1);
  ProbeLengths probe = lengths;
  probe.prompt = std::clamp<std::int64_t>(probe.prompt, 1, 256);
  probe.completion = std::clamp<std::int64_t>(probe.completion, 2, 512);
  const std::int64_t most_rows = 2048;
  probe.leaf_sequences = std::clamp<std::int64_t>(probe.leaf_sequences, 1,
                                                  std::max<std::int64_t>(1, most_rows / probe.completion));
  return Probe(probe_of(model), num_logits > 0 ? num_logits : model.vocab_size, precision, probe).rates();
}

}  // namespace reckon
