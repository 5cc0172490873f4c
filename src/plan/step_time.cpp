#include "reckon/plan/step_time.h"

#include <algorithm>
#include <cmath>

#include "reckon/plan/memory_rows.h"

namespace reckon::plan {
namespace {

constexpr double kFloat = 4;  // bytes

/// Tokens through the model, and what they look at.
struct Rows {
  double rows = 0;
  double pairs = 0;    // of a query and a key
  double targets = 0;  // rows with logits
};

class StepModel {
 public:
  StepModel(const ModelShape& model, const StageLoad& load, const Placement& placement, const Rates& rates,
            const Network& network, const Bytes& bytes)
      : m_(model),
        load_(load),
        placement_(placement),
        rates_(rates),
        network_(network),
        bytes_(bytes),
        target_{.is_gpu = rates.host_link > 0},
        memory_rows_(model, target_) {}

  [[nodiscard]] StepTime run() && {
    if (load_.work != Work::sft) add_sampling();
    if (load_.work != Work::eval) add_learning();
    return std::move(time_);
  }

 private:
  [[nodiscard]] double matrices() const { return m_.layers() * m_.layer_matrices(); }
  [[nodiscard]] double attention_s(double pairs) const {
    return 4 * m_.queries() * m_.layers() * pairs / rates_.attention;
  }
  [[nodiscard]] double head_s(double targets) const {
    return targets * (2 * m_.hidden() * m_.logits() / rates_.products + m_.logits() / rates_.logits);
  }
  [[nodiscard]] double rows_s(double rows, double rate) const {
    return m_.layers() * memory_rows_.layer(rows) / rate;
  }

  void add_sampling() {
    const double workers = static_cast<double>(placement_.workers);
    const double prompts = std::ceil(static_cast<double>(load_.prompts) / workers);
    const auto count = static_cast<std::int64_t>(prompts) * load_.group_size;
    const Lengths& lengths = load_.completions;
    const double tokens = static_cast<double>(count) * lengths.mean();
    const double passes = decoding_passes(lengths, count, load_.max_batch);

    const double prompt_rows = prompts * load_.mean_prompt;
    const double prefill = 2 * matrices() * prompt_rows / rates_.products + rows_s(prompt_rows, rates_.rows) +
                           attention_s(prompt_rows * load_.mean_prompt / 2);
    time_.worker.push_back({"prefill", prefill});

    // A pass reads the weights or multiplies, whichever takes longer; its keys come from memory.
    const double context =
        load_.mean_prompt + lengths.mean_square() / (2 * lengths.mean());  // mean over tokens
    const double keys_s =
        std::max(attention_s(context), 2 * bytes_.kv * m_.layers() * m_.keys() * context / rates_.bandwidth);
    const double weights_s = bytes_.weight * (matrices() + m_.hidden() * m_.logits()) / rates_.bandwidth;
    const double products_s = 2 * (matrices() + m_.hidden() * m_.logits()) / rates_.products;  // of a row
    const double mean_rows = tokens / passes;
    const double row_s = rows_s(1, rates_.rows) + keys_s + m_.logits() / rates_.logits;
    const bool reads = weights_s > products_s * mean_rows;
    time_.pass_s = rates_.pass_s + (reads ? weights_s : 0);
    time_.row_s = row_s + (reads ? 0 : products_s);
    time_.worker.push_back({"decode", passes * time_.pass_s + tokens * time_.row_s});
    time_.tokens = static_cast<double>(load_.prompts * load_.group_size) * lengths.mean();
    if (!placement_.split && load_.work == Work::grpo && placement_.workers > 1) {
      const double sent = tokens * 8;  // id and log-prob
      time_.traffic.push_back({"completions", sent, sent / network_.ring(placement_.workers)});
    }
  }

  /// The rows of the step's sequences, of one learner.
  [[nodiscard]] Rows learner_rows() const {
    const double learners = static_cast<double>(placement_.learners);
    Rows rows;
    if (load_.work == Work::sft) {
      rows.rows = rows.targets = static_cast<double>(load_.tokens_per_step) / learners;
      rows.targets *= 1 - load_.mean_prompt / load_.mean_example;
      rows.pairs = rows.rows * load_.mean_square_example / load_.mean_example / 2;
      return rows;
    }
    const auto sequences = static_cast<double>(load_.prompts * load_.group_size) / learners;
    // A leaf computes the prompt of a group once.
    const double shared = static_cast<double>(std::min(load_.leaf_sequences, load_.group_size));
    const double prompts = sequences / shared;
    const Lengths& lengths = load_.completions;
    rows.targets = sequences * lengths.mean();
    rows.rows = rows.targets + prompts * load_.mean_prompt;
    rows.pairs = sequences * (lengths.mean() * load_.mean_prompt + lengths.mean_square() / 2) +
                 prompts * load_.mean_prompt * load_.mean_prompt / 2;
    return rows;
  }

  void add_learning() {
    const double learners = static_cast<double>(placement_.learners);
    const Rows rows = learner_rows();
    const double trained = 1 - load_.untrained_share;
    const double once = 2 * matrices() * rows.rows / rates_.products +
                        rows_s(rows.rows, rates_.learner_rows) + attention_s(rows.pairs) +
                        head_s(rows.targets);
    const double updates = static_cast<double>(load_.updates_per_step);
    const double forward = once * (trained + (load_.compares_all ? load_.untrained_share : 0)) +
                           (load_.has_reference ? once * trained : 0);
    const double backward = once * trained * (rates_.backward_factor + (load_.recompute ? 1 : 0));
    time_.learner.push_back({"forward", forward});
    time_.learner.push_back({"backward", backward});
    const double parameters = m_.parameters();
    // Leaves: a gradient is cleared, and added to one of the tree (4 + 12 bytes a parameter).
    const double leaves = std::ceil(static_cast<double>(load_.leaves()) / learners) * trained;
    const double tree = rates_.host_link > 0 ? 0 : leaves * 16 * parameters / rates_.bandwidth;
    const double reduce = network_.all_reduce_s(kFloat * parameters, placement_.learners);
    time_.learner.push_back({"gradient sum", updates * (tree + reduce)});
    const bool shards = placement_.sharding != Sharding::none;
    double optimizer = parameters / rates_.optimizer / (shards ? learners : 1);
    if (placement_.learners > 1) {
      const double sent = 2 * kFloat * parameters * (learners - 1) / learners;
      time_.traffic.push_back({"gradients", updates * sent, updates * reduce});
    }
    if (shards && placement_.learners > 1) {
      const double sent = bytes_.sent * parameters * (learners - 1) / learners;
      const double seconds = sent / network_.ring(placement_.learners);
      time_.traffic.push_back({"updated weights", updates * sent, updates * seconds});
      optimizer += seconds;
    }
    time_.learner.push_back({"optimizer", updates * optimizer});
    double hash = kFloat * parameters / rates_.hash;
    if (rates_.host_link > 0) hash += kFloat * parameters / rates_.host_link;
    time_.learner.push_back({"hash of weights", hash});
    time_.update_fixed_s = updates * (tree + reduce + optimizer) + hash;
    const double tokens = std::max(1.0, rows.targets);
    time_.update_token_s = (forward + backward) / tokens;
    if (load_.work == Work::sft) time_.tokens = static_cast<double>(load_.tokens_per_step);
    if (placement_.split) add_weight_sync();
  }

  void add_weight_sync() {
    const bool leaves_node = network_.nodes > 1;
    const double sent = bytes_.sent * m_.parameters();
    const WeightChain chain = weight_chain(network_, sent, leaves_node);
    const double receivers = leaves_node ? std::ceil(static_cast<double>(placement_.workers) /
                                                     static_cast<double>(network_.ranks_per_node))
                                         : static_cast<double>(placement_.workers);
    time_.sync_s = chain.fill_s + (receivers - 1) * chain.hop_s;
    time_.traffic.push_back({"weights to workers", sent, time_.sync_s});
    const double groups =
        time_.tokens / static_cast<double>(placement_.learners) * 12;  // id, log-prob, version
    time_.traffic.push_back({"groups to learners", groups, groups / network_.ring(network_.ranks())});
  }

  const ModelShape& m_;
  const StageLoad& load_;
  const Placement& placement_;
  const Rates& rates_;
  const Network& network_;
  const Bytes& bytes_;
  MemoryTarget target_;
  MemoryRows memory_rows_;
  StepTime time_;
};

double sum(const std::vector<TimePart>& parts) {
  double seconds = 0;
  for (const TimePart& part : parts) seconds += part.seconds;
  return seconds;
}

}  // namespace

double StepTime::worker_s() const {
  return sum(worker);
}
double StepTime::learner_s() const {
  return sum(learner);
}

StepTime step_time(const ModelShape& model, const StageLoad& load, const Placement& placement,
                   const Rates& rates, const Network& network, const Bytes& bytes) {
  return StepModel(model, load, placement, rates, network, bytes).run();
}

}  // namespace reckon::plan
