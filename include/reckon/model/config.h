#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "reckon/base/describe.h"
#include "reckon/ops/compute_dtype.h"

namespace reckon {

/// Families of decoders whose Hugging Face config.json we read and write; the names are those of
/// `model_type`.
enum class ModelFamily {
  qwen2,  ///< Qwen2, Qwen2.5, DeepSeek-R1-Distill-Qwen: biases on queries, keys and values
  qwen3,  ///< Qwen3 (dense): normalised queries and keys
  llama,  ///< Llama 3.x, DeepSeek-R1-Distill-Llama
};
constexpr auto enum_names(ModelFamily) {
  return std::array{EnumName{ModelFamily::qwen2, "qwen2"}, EnumName{ModelFamily::qwen3, "qwen3"},
                    EnumName{ModelFamily::llama, "llama"}};
}

/// How the weights of checkpoints are stored.
enum class CheckpointDtype { float32, bfloat16, float16 };
constexpr auto enum_names(CheckpointDtype) {
  return std::array{EnumName{CheckpointDtype::float32, "float32"},
                    EnumName{CheckpointDtype::bfloat16, "bfloat16"},
                    EnumName{CheckpointDtype::float16, "float16"}};
}

/// The [checkpoint] table.
struct CheckpointConfig {
  CheckpointDtype dtype = CheckpointDtype::float32;
  std::int64_t every_steps = 50;
  std::int64_t keep_last = 3;
  std::int64_t keep_every = 0;
};

template <class Visitor>
void describe(Visitor& visit, CheckpointConfig& c) {
  visit("dtype", c.dtype, any(),
        "of the model's files: float32 keeps the weights exactly, the others round them to half the size, and "
        "the exact ones stand beside them for resuming");
  visit("every_steps", c.every_steps, between(0, 1e9),
        "steps of a stage between two checkpoints, which are written while training goes on; 0: only at the "
        "end of a stage and when the run is asked to stop");
  visit("keep_last", c.keep_last, between(1, 1e6), "checkpoints of a stage that are kept, the newest");
  visit("keep_every", c.keep_every, between(0, 1e9),
        "and those whose step is a multiple of this; 0: none besides");
}

/// What computes the model: of sampler and learner alike.
enum class Device {
  cpu,
  cuda,  ///< the GPU of the rank
};
constexpr auto enum_names(Device) {
  return std::array{EnumName{Device::cpu, "cpu"}, EnumName{Device::cuda, "cuda"}};
}

/// What a row's numbers may depend on.
enum class Numerics {
  exact,  ///< the row's sequence alone: sampler and learner give the same bits
  fast,   ///< what it is computed with as well: they give nearly the same numbers
};
constexpr auto enum_names(Numerics) {
  return std::array{EnumName{Numerics::exact, "exact"}, EnumName{Numerics::fast, "fast"}};
}

/// Where the policy's first weights come from, and what computes with them: the [model] table.
struct ModelInitConfig {
  ModelFamily init = ModelFamily::qwen3;
  std::string path;
  Device device = Device::cpu;
  Numerics numerics = Numerics::exact;
  ComputeDtype compute_dtype = ComputeDtype::float32;
  KvDtype kv_dtype = KvDtype::automatic;
  std::int64_t hidden_size = 128;
  std::int64_t intermediate_size = 384;
  std::int64_t num_hidden_layers = 4;
  std::int64_t num_attention_heads = 4;
  std::int64_t num_key_value_heads = 2;
  std::int64_t head_dim = 32;
  std::int64_t max_position_embeddings = 256;
  double rope_theta = 10000.0;
  double rms_norm_eps = 1e-6;
  double initializer_range = 0.02;
};

template <class Visitor>
void describe(Visitor& visit, ModelInitConfig& c) {
  visit("init", c.init, any(),
        "random weights of this family and the shape below; not used where path is given");
  visit("path", c.path, any(),
        "Hugging Face model folder to start from: config.json, tokenizer.json, safetensors weights");
  visit("device", c.device, any(), "what computes the model: cpu, or cuda, the GPU of each rank");
  visit(
      "numerics", c.numerics, any(),
      "exact: a row's numbers depend on its sequence alone, so that sampler and learner give the same bits; "
      "fast, with cuda: they may depend on what the row is computed with, and differ a little (see off_policy)");
  visit("compute_dtype", c.compute_dtype, any(),
        "what the factors of matrix products are rounded to; sums and master weights are float32. bfloat16 "
        "needs a processor with AVX512_BF16");
  visit(
      "kv_dtype", c.kv_dtype, any(),
      "what keys and values are rounded to, in sampling and in training; bfloat16 halves their memory. auto: "
      "compute_dtype");
  visit("hidden_size", c.hidden_size, between(8, 65536), "width of the residual stream");
  visit("intermediate_size", c.intermediate_size, between(8, 262144), "width inside the SwiGLU block");
  visit("num_hidden_layers", c.num_hidden_layers, between(1, 256), "decoder blocks");
  visit("num_attention_heads", c.num_attention_heads, between(1, 256), "query heads");
  visit("num_key_value_heads", c.num_key_value_heads, between(1, 256),
        "key and value heads; divides the query heads");
  visit("head_dim", c.head_dim, between(2, 256), "width of one head; even");
  visit("max_position_embeddings", c.max_position_embeddings, between(8, 1048576),
        "longest sequence, in tokens");
  visit("rope_theta", c.rope_theta, above(0), "base of the rotary position angles");
  visit("rms_norm_eps", c.rms_norm_eps, above(0), "added to the mean square in RMSNorm");
  visit("initializer_range", c.initializer_range, Bounds{.low = 0, .high = 1000, .low_open = true},
        "standard deviation of the first weights");
}

}  // namespace reckon
