#include "reckon/plan/memory.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "reckon/plan/memory_rows.h"

namespace reckon::plan {
namespace {

constexpr double kMib = 1 << 20;
constexpr double kFloat = 4;  // bytes

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Bytes by part, in the order in which they are named first.
class Parts {
 public:
  void add(const std::string& name, double bytes, const std::string& advice = "") {
    const auto found = std::ranges::find(parts_, name, &MemoryPart::name);
    if (found == parts_.end()) {
      parts_.push_back({name, bytes / kMib, advice});
    } else {
      found->mb += bytes / kMib;
    }
  }
  [[nodiscard]] std::vector<MemoryPart> sorted() && {
    std::ranges::stable_sort(parts_, std::greater<>(), &MemoryPart::mb);
    return std::move(parts_);
  }

 private:
  std::vector<MemoryPart> parts_;
};

/// A batch, as far as memory asks.
struct BatchSize {
  double sequences = 0;
  double rows = 0;     // tokens through the model
  double targets = 0;  // completion tokens
};

/// Gradients that a rank's tree holds at once, over ranks: the open nodes of leaves [begin, end), and the
/// leaf that is being computed (GradientTree in learn/). As many leaves a rank; leaf_shares() weighs them.
std::int64_t most_gradients(std::int64_t leaves, std::int64_t ranks) {
  std::int64_t most = 1;
  for (std::int64_t rank = 0; rank < ranks; ++rank) {
    const std::int64_t begin = leaves * rank / ranks, end = leaves * (rank + 1) / ranks;
    std::vector<std::pair<std::int64_t, std::int64_t>> open;  // level, index
    for (std::int64_t leaf = begin; leaf < end; ++leaf) {
      most = std::max(most, static_cast<std::int64_t>(open.size()) + 1);
      open.emplace_back(0, leaf);
      while (open.size() >= 2) {
        auto& [level, index] = open[open.size() - 2];
        if (level != open.back().first || index % 2 != 0 || open.back().second != index + 1) break;
        ++level;
        index /= 2;
        open.pop_back();
      }
    }
  }
  return most;
}

class StageMemory {
 public:
  StageMemory(const ModelShape& model, const StageLoad& load, const Placement& placement, Role role,
              const MemoryTarget& target)
      : model_(model),
        load_(load),
        placement_(placement),
        role_(role),
        target_(target),
        rows_(model, target) {}

  [[nodiscard]] std::vector<MemoryPart> parts() && {
    parts_.add("program", target_.program_mb * kMib);
    add_weights();
    const bool learns = load_.work != Work::eval && role_ != Role::worker;
    const bool samples = load_.work != Work::sft && role_ != Role::learner;
    if (learns) add_learner();
    if (samples) add_sampler();
    return std::move(parts_).sorted();
  }

 private:
  [[nodiscard]] double parameters() const { return model_.parameters(); }
  [[nodiscard]] double shards(Sharding from) const {
    return placement_.sharding >= from ? static_cast<double>(placement_.learners) : 1;
  }

  void add_weights() {
    const bool learns = load_.work != Work::eval && role_ != Role::worker;
    if (target_.is_gpu) {
      // bfloat16 for the products; float32 master weights: the engine makes them for evaluation as well.
      parts_.add("weights", 2 * parameters());
      if (learns || role_ == Role::both)
        parts_.add("master weights", kFloat * parameters() / (learns ? shards(Sharding::optimizer) : 1));
    } else {
      parts_.add("weights", target_.weight_sets * kFloat * parameters());
      parts_.add("packed weights", target_.packed_sets * rows_.packed());
    }
    if (role_ == Role::worker && placement_.split)
      parts_.add("weights to come", (target_.is_gpu ? 2 : kFloat) * parameters());
  }

  /// The largest micro-batch of leaves, and the largest leaf (`leaves` = 1).
  [[nodiscard]] BatchSize batch_of(std::int64_t leaves) const {
    const std::int64_t mine = ceil_div(load_.leaves(), placement_.learners) * load_.leaf_sequences;
    const auto sequences = static_cast<double>(std::min(leaves * load_.leaf_sequences, mine));
    if (load_.work == Work::sft) {
      const double tokens =
          std::min(static_cast<double>(load_.tokens_per_step), sequences * load_.longest_example);
      return {sequences, tokens, tokens};
    }
    const double completions = sequences * static_cast<double>(load_.max_new_tokens);
    const double prompts = std::ceil(sequences / static_cast<double>(load_.group_size)) + 1;
    return {sequences, completions + prompts * load_.longest_prompt, completions};
  }

  void add_learner() {
    if (load_.has_reference) {
      parts_.add(target_.is_gpu ? "reference weights" : "weights",
                 (target_.is_gpu ? 2 : kFloat) * parameters());
      if (!target_.is_gpu) parts_.add("packed weights", rows_.packed());
    }
    parts_.add(
        "optimizer", 2 * kFloat * parameters() / shards(Sharding::optimizer),
        placement_.sharding == Sharding::none && placement_.learners > 1 ? "shard it over the learners" : "");
    if (target_.is_gpu) {
      parts_.add("gradients", kFloat * parameters() / shards(Sharding::gradients));
    } else {
      const auto trees = static_cast<double>(most_gradients(load_.leaves(), placement_.learners));
      parts_.add("gradients", trees * kFloat * parameters(), "raise leaf_sequences");
      if (target_.copies_for_checkpoints)
        parts_.add("checkpoint", kFloat * parameters() * (1 + 2.0 / static_cast<double>(placement_.learners)),
                   "ranks on other machines");
    }
    add_activations();
  }

  void add_activations() {
    const BatchSize batch = batch_of(load_.micro_batch_leaves);
    const BatchSize leaf = target_.is_gpu ? batch : batch_of(1);
    double bytes =
        rows_.forward(batch.rows) + rows_.backward(leaf.rows) + rows_.hidden(batch.targets + leaf.targets) +
        rows_.keys_and_values(batch.rows, batch.sequences) / (target_.is_gpu ? model_.layers() : 1);
    bytes += load_.recompute ? model_.layers() * rows_.layer_input(batch.rows) + rows_.layer(batch.rows)
                             : model_.layers() * rows_.layer(batch.rows);
    if (load_.has_reference)
      bytes += rows_.forward(leaf.rows) + rows_.layer(leaf.rows) + rows_.hidden(leaf.targets) +
               rows_.keys_and_values(leaf.rows, leaf.sequences) / (target_.is_gpu ? model_.layers() : 1) +
               (target_.is_gpu ? 0 : rows_.learner_logits(0));
    parts_.add("activations", bytes, "lower micro_batch_leaves or leaf_sequences, or set recompute = true");
    parts_.add("logits",
               rows_.learner_logits(batch.targets) * (target_.is_gpu && load_.has_reference ? 2 : 1));
  }

  void add_sampler() {
    constexpr double kPromptRows = 512, kLogitRows = 64;  // of Sampler and its CPU backend
    const std::int64_t prompts = ceil_div(load_.prompts, placement_.workers);
    const auto most = static_cast<double>(std::min(prompts * load_.group_size, load_.max_batch));
    const double open_prompts =
        std::min(static_cast<double>(prompts), std::ceil(most / static_cast<double>(load_.group_size)) + 2);
    const double tokens =
        most * static_cast<double>(load_.max_new_tokens) + open_prompts * load_.longest_prompt;
    double cache = rows_.keys_and_values(tokens, 2 * most + open_prompts);
    if (load_.kv_budget_mib > 0) cache = std::min(cache, static_cast<double>(load_.kv_budget_mib) * kMib);
    parts_.add("keys and values", cache, "lower max_batch or kv_budget_mib");
    const double rows = most + std::min(kPromptRows, open_prompts * load_.longest_prompt);
    const double logits =
        target_.is_gpu ? rows_.learner_logits(most) : rows_.logits(std::min(kLogitRows, most));
    parts_.add("sampling", rows_.forward(rows) + rows_.layer(rows) + logits + rows_.hidden(open_prompts),
               "lower max_batch");
  }

  const ModelShape& model_;
  const StageLoad& load_;
  const Placement& placement_;
  Role role_;
  const MemoryTarget& target_;
  MemoryRows rows_;
  Parts parts_;
};

}  // namespace

double total_mb(const std::vector<MemoryPart>& parts) {
  return std::accumulate(parts.begin(), parts.end(), 0.0,
                         [](double sum, const MemoryPart& part) { return sum + part.mb; });
}

std::int64_t StageLoad::sequences() const {
  if (work == Work::sft)
    return static_cast<std::int64_t>(std::ceil(static_cast<double>(tokens_per_step) / mean_example));
  return prompts * group_size / updates_per_step;
}

std::int64_t StageLoad::leaves() const {
  return ceil_div(sequences(), leaf_sequences);
}

std::vector<MemoryPart> stage_memory(const ModelShape& model, const StageLoad& load,
                                     const Placement& placement, Role role, const MemoryTarget& target) {
  return StageMemory(model, load, placement, role, target).parts();
}

double host_memory_mb(const ModelShape& model, const Placement& placement, const MemoryTarget& target) {
  if (!target.is_gpu) return 0;
  const double copies = target.copies_for_checkpoints ? 1 + 2.0 / static_cast<double>(placement.learners) : 0;
  return kFloat * model.parameters() * (target.weight_sets + copies) / kMib;
}

}  // namespace reckon::plan
