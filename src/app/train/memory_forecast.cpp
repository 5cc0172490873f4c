#include "memory_forecast.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "app/display.h"
#include "reckon/dist/communicator.h"
#include "reckon/ops/kv_blocks.h"
#include "reckon/ops/linear.h"

namespace reckon {
namespace {

constexpr double kMib = 1 << 20;
constexpr double kFloat = 4;  // bytes

/// Floats of the model's parts, and bytes of the things that are made of tokens.
class ModelSizes {
 public:
  ModelSizes(const Recipe& recipe, const MemoryFacts& facts)
      : c_(facts.model), num_logits_(facts.num_logits) {
    for (const TensorSpec& spec : decoder_tensor_specs(c_)) {
      double size = 1;
      for (const std::int64_t extent : spec.shape) size *= static_cast<double>(extent);
      parameters_ += size;
    }
    kv_bytes_ =
        Precision(recipe.model.compute_dtype, recipe.model.kv_dtype).kv == ComputeDtype::bfloat16 ? 2 : 4;
  }

  [[nodiscard]] double weights() const { return kFloat * parameters_; }
  /// The products' own copies: of all matrices, the output layer as far as it has logits. In bfloat16 there
  /// are two of half the size.
  [[nodiscard]] double packed() const {
    const double layer = hidden() * qkv() + hidden() * queries() + 3 * hidden() * inner();
    return kFloat * (layers() * layer + static_cast<double>(num_logits_) * hidden());
  }
  /// Of tokens in sequences that each begin a block.
  [[nodiscard]] double keys_and_values(double tokens, double sequences) const {
    const double positions = tokens + sequences * KvBlocks::kBlock / 2;
    return 2 * kv_bytes_ * layers() * keys() * positions;
  }
  [[nodiscard]] double layer_rows(double rows) const {
    const double heads = static_cast<double>(2 * c_.num_attention_heads + c_.num_key_value_heads);
    return kFloat * rows * (2 * hidden() + 2 + qkv() + 2 * queries() + heads + 2 * inner());
  }
  /// What a forward pass needs beside the layers' rows: its ends, and one layer's workspace.
  [[nodiscard]] double forward_rows(double rows) const {
    return kFloat * rows * (3 * hidden() + 1 + keys() + inner());
  }
  [[nodiscard]] double backward_rows(double rows) const {
    return kFloat * rows *
           (4 * hidden() + std::max(inner(), queries()) + std::max(2 * inner(), qkv()) + queries() +
            2 * keys());
  }
  [[nodiscard]] double logits(double rows) const { return kFloat * rows * static_cast<double>(num_logits_); }
  [[nodiscard]] double hidden_rows(double rows) const { return kFloat * rows * hidden(); }
  [[nodiscard]] double layers() const { return static_cast<double>(c_.num_hidden_layers); }

 private:
  [[nodiscard]] double hidden() const { return static_cast<double>(c_.hidden_size); }
  [[nodiscard]] double inner() const { return static_cast<double>(c_.intermediate_size); }
  [[nodiscard]] double queries() const { return static_cast<double>(c_.num_attention_heads * c_.head_dim); }
  [[nodiscard]] double keys() const { return static_cast<double>(c_.num_key_value_heads * c_.head_dim); }
  [[nodiscard]] double qkv() const { return queries() + 2 * keys(); }

  const DecoderConfig& c_;
  std::int64_t num_logits_;
  double parameters_ = 0;
  double kv_bytes_ = 4;
};

/// A batch, as far as memory asks.
struct BatchSize {
  double sequences = 0;
  double rows = 0;     // tokens through the model
  double targets = 0;  // completion tokens
};

/// Bytes by part, in the order in which they are named first.
class Parts {
 public:
  void add(const std::string& name, double bytes, const std::string& advice = "") {
    const auto found =
        std::find_if(parts_.begin(), parts_.end(), [&](const MemoryPart& part) { return part.name == name; });
    if (found == parts_.end()) {
      parts_.push_back({name, bytes / kMib, advice});
    } else {
      found->mb += bytes / kMib;
    }
  }
  [[nodiscard]] std::vector<MemoryPart> sorted() && {
    std::stable_sort(parts_.begin(), parts_.end(),
                     [](const MemoryPart& a, const MemoryPart& b) { return a.mb > b.mb; });
    return std::move(parts_);
  }

 private:
  std::vector<MemoryPart> parts_;
};

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Gradients that a rank's tree holds at once, over ranks: the open nodes of leaves [begin, end), and the
/// leaf that is being computed (GradientTree).
std::int64_t most_gradients(std::int64_t leaves, int ranks) {
  std::int64_t most = 1;
  for (int rank = 0; rank < ranks; ++rank) {
    const Range mine = share_of(leaves, rank, ranks);
    std::vector<std::pair<std::int64_t, std::int64_t>> open;  // level, index
    for (std::int64_t leaf = mine.begin; leaf < mine.end; ++leaf) {
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

class StageForecast {
 public:
  StageForecast(const MemoryFacts& facts, const ModelSizes& sizes, const StageConfig& stage)
      : facts_(facts), sizes_(sizes), stage_(stage) {}

  void add_to(Parts& parts) const {
    if (stage_.kind != StageKind::eval) add_learner(parts);
    if (stage_.kind != StageKind::sft) add_sampler(parts);
  }

 private:
  /// The largest micro-batch of leaves, and the largest leaf (`leaves` = 1).
  [[nodiscard]] BatchSize batch_of(std::int64_t leaves) const {
    const auto sequences =
        static_cast<double>(std::min(leaves * stage_.batch.leaf_sequences, my_sequences()));
    if (stage_.kind == StageKind::sft) {
      const double tokens =
          std::min(static_cast<double>(stage_.sft.tokens_per_step), sequences * facts_.longest_example);
      return {sequences, tokens, tokens};
    }
    const double completions = sequences * static_cast<double>(stage_.sampling.max_new_tokens);
    const double prompts = std::ceil(sequences / static_cast<double>(stage_.grpo.group_size)) + 1;
    return {sequences, completions + prompts * facts_.longest_prompt, completions};
  }

  /// Leaves of one update, over all ranks.
  [[nodiscard]] std::int64_t leaves() const {
    std::int64_t sequences =
        stage_.grpo.prompts_per_step * stage_.grpo.group_size / stage_.grpo.updates_per_step;
    if (stage_.kind == StageKind::sft) {
      sequences = static_cast<std::int64_t>(
          std::ceil(static_cast<double>(stage_.sft.tokens_per_step) / facts_.mean_example));
    }
    return ceil_div(sequences, stage_.batch.leaf_sequences);
  }
  [[nodiscard]] std::int64_t my_sequences() const {
    return ceil_div(leaves(), facts_.ranks) * stage_.batch.leaf_sequences;
  }

  void add_learner(Parts& parts) const {
    const bool has_reference = stage_.kind == StageKind::grpo && stage_.grpo.loss.kl_coef != 0;
    if (has_reference) {
      parts.add("weights", sizes_.weights());
      parts.add("packed weights", sizes_.packed());
    }
    parts.add("optimizer", 2 * sizes_.weights() / facts_.ranks);
    const auto gradients = static_cast<double>(most_gradients(leaves(), facts_.ranks));
    parts.add("gradients", gradients * sizes_.weights(), "raise leaf_sequences");
    if (facts_.copies_for_checkpoints)
      parts.add("checkpoint", sizes_.weights() * (1 + 2.0 / facts_.ranks), "ranks on other machines");

    const BatchSize batch = batch_of(stage_.batch.micro_batch_leaves);
    const BatchSize leaf = batch_of(1);
    double bytes = sizes_.forward_rows(batch.rows) + sizes_.backward_rows(leaf.rows) +
                   sizes_.hidden_rows(batch.targets + leaf.targets) +
                   sizes_.keys_and_values(batch.rows, batch.sequences);
    bytes += stage_.batch.recompute
                 ? sizes_.layers() * sizes_.hidden_rows(batch.rows) + sizes_.layer_rows(batch.rows)
                 : sizes_.layers() * sizes_.layer_rows(batch.rows);
    bytes += learner_logits(batch.targets);
    if (has_reference)
      bytes += sizes_.forward_rows(leaf.rows) + sizes_.layer_rows(leaf.rows) +
               sizes_.hidden_rows(leaf.targets) + sizes_.keys_and_values(leaf.rows, leaf.sequences) +
               learner_logits(0);
    parts.add("activations", bytes, "lower micro_batch_leaves or leaf_sequences, or set recompute = true");
  }

  /// As PolicyPass keeps them: all of a micro-batch's where they are few, else a chunk. \param targets  0: of
  /// a pass that keeps none
  [[nodiscard]] double learner_logits(double targets) const {
    constexpr double kMostKept = 8 << 20;
    if (targets * static_cast<double>(facts_.num_logits) <= kMostKept && targets > 0)
      return sizes_.logits(targets);
    return sizes_.logits(facts_.num_logits > 32768 ? 256 : static_cast<double>(kWeightGradientRows));
  }

  void add_sampler(Parts& parts) const {
    constexpr double kPromptRows = 512, kLogitRows = 64;  // of Sampler and its CPU backend
    const SamplingConfig& sampling = stage_.sampling;
    const bool is_eval = stage_.kind == StageKind::eval;
    const std::int64_t prompts =
        ceil_div(is_eval ? stage_.eval.eval_prompts : stage_.grpo.prompts_per_step, facts_.ranks);
    const std::int64_t group = is_eval ? stage_.eval.eval_samples : stage_.grpo.group_size;
    const auto most = static_cast<double>(std::min(prompts * group, sampling.max_batch));
    const double open_prompts =
        std::min(static_cast<double>(prompts), std::ceil(most / static_cast<double>(group)) + 2);
    const double tokens =
        most * static_cast<double>(sampling.max_new_tokens) + open_prompts * facts_.longest_prompt;
    double cache = sizes_.keys_and_values(tokens, 2 * most + open_prompts);
    if (sampling.kv_budget_mib > 0)
      cache = std::min(cache, static_cast<double>(sampling.kv_budget_mib) * kMib);
    parts.add("keys and values", cache, "lower max_batch or kv_budget_mib");
    const double rows = most + std::min(kPromptRows, open_prompts * facts_.longest_prompt);
    parts.add("sampling",
              sizes_.forward_rows(rows) + sizes_.layer_rows(rows) +
                  sizes_.logits(std::min(kLogitRows, most)) + sizes_.hidden_rows(open_prompts),
              "lower max_batch");
  }

  const MemoryFacts& facts_;
  const ModelSizes& sizes_;
  const StageConfig& stage_;
};

/// Which weights a run holds, stage by stage, and which of them have been computed with.
class HeldWeights {
 public:
  explicit HeldWeights(const Recipe& recipe) : recipe_(recipe), order_(run_order(recipe)) {}

  /// Calls visit(stage, decoders held, those among them that are packed) for each stage in order.
  template <class Visit>
  void walk(const Visit& visit) {
    std::map<std::string, bool> held = {{"model", false}};  // name, packed
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const StageConfig& stage = recipe_.stage[order_[i]];
      const bool trains = stage.kind != StageKind::eval;
      const bool stays = is_needed_after(i, stage.from);
      if (trains) {
        if (!stays) held.erase(stage.from);
        held[stage.name] = true;
      } else {
        held[stage.from] = true;
      }
      visit(stage, static_cast<double>(held.size()),
            static_cast<double>(
                std::count_if(held.begin(), held.end(), [](const auto& one) { return one.second; })));
      if (!stays) held.erase(stage.from);
      if (trains && !is_needed_after(i, stage.name)) held.erase(stage.name);
    }
  }

 private:
  [[nodiscard]] bool is_needed_after(std::size_t position, const std::string& name) const {
    return std::any_of(order_.begin() + static_cast<std::ptrdiff_t>(position) + 1, order_.end(),
                       [&](std::size_t index) { return recipe_.stage[index].from == name; });
  }

  const Recipe& recipe_;
  std::vector<std::size_t> order_;
};

}  // namespace

double MemoryForecast::total_mb() const {
  return std::accumulate(parts.begin(), parts.end(), 0.0,
                         [](double sum, const MemoryPart& part) { return sum + part.mb; });
}

MemoryForecast forecast_memory(const Recipe& recipe, const MemoryFacts& facts) {
  const ModelSizes sizes(recipe, facts);
  MemoryForecast largest;
  HeldWeights(recipe).walk([&](const StageConfig& stage, double decoders, double packed) {
    Parts parts;
    parts.add("program", facts.program_mb * kMib);
    parts.add("weights", decoders * sizes.weights());
    parts.add("packed weights", packed * sizes.packed());
    StageForecast(facts, sizes, stage).add_to(parts);
    MemoryForecast here{stage.name, std::move(parts).sorted()};
    if (here.total_mb() > largest.total_mb()) largest = std::move(here);
  });
  return largest;
}

std::string parts_text(const MemoryForecast& forecast) {
  std::string text;
  for (const MemoryPart& part : forecast.parts) {
    if (part.mb < forecast.total_mb() / 100) continue;
    text += (text.empty() ? "" : ", ") + part.name + " " + fixed(part.mb, part.mb < 10 ? 1 : 0);
  }
  return text;
}

}  // namespace reckon
