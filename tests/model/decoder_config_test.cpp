#include "reckon/model/decoder_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "reckon/base/error.h"
#include "support/paths.h"

namespace reckon {
namespace {
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Qwen3-0.6B's config.json, as transformers 4 wrote it.
json version_4() {
  return json::parse(R"({
    "architectures": ["Qwen3ForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 151643,
    "eos_token_id": 151645, "head_dim": 128, "hidden_act": "silu", "hidden_size": 1024, "initializer_range": 0.02,
    "intermediate_size": 3072, "max_position_embeddings": 40960, "max_window_layers": 28, "model_type": "qwen3",
    "num_attention_heads": 16, "num_hidden_layers": 28, "num_key_value_heads": 8, "rms_norm_eps": 1e-06,
    "rope_scaling": null, "rope_theta": 1000000, "sliding_window": null, "tie_word_embeddings": true,
    "torch_dtype": "bfloat16", "transformers_version": "4.51.0", "use_cache": true, "use_sliding_window": false,
    "vocab_size": 151936})");
}

/// The same model as transformers 5 writes it.
json version_5() {
  json config = version_4();
  for (const char* name : {"rope_scaling", "rope_theta", "torch_dtype"}) config.erase(name);
  config["dtype"] = "bfloat16";
  config["rope_parameters"] = {{"rope_theta", 1000000}, {"rope_type", "default"}};
  config["layer_types"] = json(std::vector<std::string>(28, "full_attention"));
  return config;
}

DecoderConfig parse(const json& config) {
  return parse_decoder_config(config.dump(), "config.json");
}

std::string error_of(const std::string& text) {
  try {
    (void)parse_decoder_config(text, "config.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "accepted";
}

/// The message where one field of a good config.json is changed.
std::string error_with(const std::string& name, const json& value, json config = version_4()) {
  config[name] = value;
  return error_of(config.dump());
}

DecoderConfig tiny() {
  ModelInitConfig init;
  init.hidden_size = 16;
  init.intermediate_size = 24;
  init.num_hidden_layers = 1;
  init.head_dim = 6;
  init.rope_theta = 12345.5;
  init.rms_norm_eps = 2e-5;
  return decoder_config_from(init, 40, 3);
}

TEST(DecoderConfig, BothFormsReadAlike) {
  DecoderConfig expected;
  expected.vocab_size = 151936;
  expected.hidden_size = 1024;
  expected.intermediate_size = 3072;
  expected.num_hidden_layers = 28;
  expected.num_attention_heads = 16;
  expected.num_key_value_heads = 8;
  expected.head_dim = 128;
  expected.max_position_embeddings = 40960;
  expected.rope.theta = 1e6;
  expected.rms_norm_eps = 1e-6;
  expected.tie_word_embeddings = true;
  expected.eos_token_ids = {151645};
  expected.dtype = TensorDtype::bf16;
  EXPECT_EQ(parse(version_4()), expected);
  EXPECT_EQ(parse(version_5()), expected);
}

TEST(DecoderConfig, FieldsLeftOutHaveTheDefaultsOfQwen3Config) {
  json config = version_4();
  for (const char* name : {"head_dim", "rms_norm_eps", "rope_theta", "tie_word_embeddings",
                           "initializer_range", "torch_dtype", "eos_token_id", "architectures"}) {
    config.erase(name);
  }
  config["num_key_value_heads"] = nullptr;
  const DecoderConfig read = parse(config);
  EXPECT_EQ(read.head_dim, 128);
  EXPECT_EQ(read.rms_norm_eps, 1e-6);
  EXPECT_EQ(read.rope.theta, 10000.0);
  EXPECT_FALSE(read.tie_word_embeddings);
  EXPECT_EQ(read.num_key_value_heads, 16);
  EXPECT_EQ(read.dtype, TensorDtype::f32);
  EXPECT_TRUE(read.eos_token_ids.empty());
}

TEST(DecoderConfig, EachFamilyHasItsOwnBiasesAndDefaults) {
  json config = version_4();
  config.erase("head_dim");
  config.erase("num_key_value_heads");
  EXPECT_EQ(error_of(config.dump()),
            "config.json: num_attention_heads is 16 (need a multiple of num_key_value_heads, 32)");
  config["num_attention_heads"] = 64;
  DecoderConfig read = parse(config);
  EXPECT_EQ(read.head_dim, 128);
  EXPECT_EQ(read.num_key_value_heads, 32) << "Qwen3Config's default";
  EXPECT_TRUE(read.qk_norm);
  EXPECT_FALSE(read.qkv_bias);
  config["attention_bias"] = true;
  EXPECT_TRUE(parse(config).qkv_bias);
  EXPECT_TRUE(parse(config).out_bias);

  config["model_type"] = "qwen2";
  config["architectures"] = {"Qwen2ForCausalLM"};
  read = parse(config);
  EXPECT_EQ(read.family, ModelFamily::qwen2);
  EXPECT_EQ(read.head_dim, 1024 / 64);
  EXPECT_FALSE(read.qk_norm);
  EXPECT_TRUE(read.qkv_bias);
  EXPECT_FALSE(read.out_bias) << "Qwen2 has no field attention_bias";

  config["model_type"] = "llama";
  config["architectures"] = {"LlamaForCausalLM"};
  config["mlp_bias"] = true;
  read = parse(config);
  EXPECT_EQ(read.num_key_value_heads, 64);
  EXPECT_TRUE(read.qkv_bias && read.out_bias && read.mlp_bias);
  config["attention_bias"] = false;
  read = parse(config);
  EXPECT_FALSE(read.qkv_bias || read.out_bias || read.qk_norm);
}

TEST(DecoderConfig, GenerationConfigNamesTheEndTokens) {
  EXPECT_THAT(parse_generation_eos(R"({"eos_token_id": [151645, 151643]})", "g"),
              ElementsAre(151645, 151643));
  EXPECT_THAT(parse_generation_eos(R"({"do_sample": true})", "g"), ElementsAre());
  EXPECT_THROW((void)parse_generation_eos(R"({"eos_token_id": "x"})", "g"), Error);
}

TEST(DecoderConfig, TheSourceIsKeptButForTheDtype) {
  DecoderConfig config = parse(version_4());
  config.dtype = TensorDtype::f32;
  json expected = version_4();
  expected["torch_dtype"] = "float32";
  EXPECT_EQ(json::parse(to_config_json(config, version_4().dump())), expected);
  expected = version_5();
  expected["dtype"] = "float32";
  EXPECT_EQ(json::parse(to_config_json(config, version_5().dump())), expected);
}

TEST(DecoderConfig, SeveralEndTokensAreRead) {
  json config = version_4();
  config["eos_token_id"] = {151645, 151643};
  EXPECT_THAT(parse(config).eos_token_ids, ElementsAre(151645, 151643));
}

TEST(DecoderConfig, WhatWeWouldComputeDifferentlyIsRefused) {
  EXPECT_EQ(error_with("model_type", "mistral"),
            "config.json: model_type is \"mistral\" (supported: \"qwen2\", \"qwen3\", \"llama\")");
  EXPECT_EQ(
      error_with("architectures", {"Qwen3ForTokenClassification"}),
      "config.json: architectures is [\"Qwen3ForTokenClassification\"] (supported: [\"Qwen3ForCausalLM\"])");
  EXPECT_EQ(error_with("hidden_act", "gelu"), "config.json: hidden_act is \"gelu\" (supported: \"silu\")");
  EXPECT_EQ(error_with("attention_dropout", 0.1), "config.json: attention_dropout is 0.1 (supported: 0)");
  EXPECT_EQ(error_with("layer_types", {"full_attention", "sliding_attention"}),
            "config.json: layer_types is [\"full_attention\",\"sliding_attention\"] (supported: "
            "\"full_attention\" in "
            "every layer)");
  EXPECT_EQ(error_with("quantization_config", {{"bits", 4}}),
            "config.json: quantization_config: quantised weights are not supported");
}

TEST(DecoderConfig, ASlidingWindowIsRefusedWhereItIsActive) {
  json config = version_4();
  config["use_sliding_window"] = true;
  config["sliding_window"] = 4096;
  EXPECT_EQ(error_of(config.dump()), "accepted") << "it would begin at layer 28 of 28";
  config["max_window_layers"] = 21;
  EXPECT_EQ(error_of(config.dump()),
            "config.json: use_sliding_window is true: sliding_window 4096 from layer 21 on is not supported "
            "(need false, or max_window_layers = 28)");
  config["sliding_window"] = nullptr;
  EXPECT_EQ(error_of(config.dump()), "accepted");
  config["sliding_window"] = 4096;
  config["use_sliding_window"] = false;
  EXPECT_EQ(error_of(config.dump()), "accepted");
  config["use_sliding_window"] = "no";
  EXPECT_EQ(error_of(config.dump()), "config.json: use_sliding_window is \"no\" (need true or false)");
}

TEST(DecoderConfig, TypesOfRopeThatAreNotSupportedAreRefusedByName) {
  EXPECT_EQ(error_with("rope_scaling", {{"type", "dynamic"}, {"factor", 2}}),
            "config.json: rope_scaling.type is \"dynamic\" (need one of \"default\", \"linear\", \"llama3\", "
            "\"yarn\")");
  EXPECT_THAT(error_with("rope_parameters", {{"rope_type", "longrope"}}, version_5()),
              HasSubstr("config.json: rope_parameters.rope_type is \"longrope\" (need one of"));
}

TEST(DecoderConfig, FieldsOfScaledRopeAreChecked) {
  EXPECT_EQ(error_with("rope_scaling", {{"type", "linear"}}), "config.json: rope_scaling.factor is missing");
  EXPECT_EQ(error_with("rope_scaling", {{"type", "linear"}, {"factor", 0.5}}),
            "config.json: rope_scaling.factor is 0.5 (need a number from 1)");
  EXPECT_EQ(error_with("rope_scaling", {{"rope_type", "llama3"}, {"factor", 8}, {"low_freq_factor", 4}}),
            "config.json: rope_scaling.high_freq_factor is missing\n"
            "config.json: rope_scaling.high_freq_factor is 4.0 (need more than low_freq_factor, 4)");
  EXPECT_EQ(error_with("rope_scaling", {{"rope_type", "yarn"}, {"factor", 4}, {"truncate", 1}}),
            "config.json: rope_scaling.truncate is 1 (need true or false)");
  json config = version_4();
  config["rope_scaling"] = {{"type", "yarn"}, {"factor", 4}, {"original_max_position_embeddings", 10240}};
  const RopeConfig rope = parse(config).rope;
  EXPECT_EQ(rope.type, RopeType::yarn);
  EXPECT_EQ(rope.factor, 4.0);
  EXPECT_EQ(rope.original_max_position_embeddings, 10240);
  EXPECT_EQ(rope.theta, 1e6);
}

TEST(DecoderConfig, RopeIsReadAlikeInBothForms) {
  EXPECT_EQ(
      error_with("rope_parameters", {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}}, version_5()),
      "config.json: rope_parameters.partial_rotary_factor is 0.5 (supported: 1)");
  EXPECT_EQ(error_with("rope_parameters", {{"full_attention", {{"rope_type", "default"}}}}, version_5()),
            "config.json: rope_parameters.full_attention: RoPE by layer type is not supported");
  EXPECT_EQ(error_with("rope_parameters", {{"rope_theta", 10000}}),
            "config.json: rope_theta is 1000000 but rope_parameters.rope_theta is 10000");
  EXPECT_EQ(error_with("rope_parameters", 7, version_5()),
            "config.json: rope_parameters is 7 (need an object)");
}

TEST(DecoderConfig, FieldsOfTheWrongTypeOrRangeAreShown) {
  EXPECT_EQ(error_with("hidden_size", "1024"),
            "config.json: hidden_size is \"1024\" (need a whole number from 8 to 65536)");
  EXPECT_EQ(error_with("hidden_size", 1024.0),
            "config.json: hidden_size is 1024.0 (need a whole number from 8 to 65536)");
  EXPECT_EQ(error_with("num_hidden_layers", -1),
            "config.json: num_hidden_layers is -1 (need a whole number from 1 to 256)");
  EXPECT_EQ(error_with("vocab_size", 1e30),
            "config.json: vocab_size is 1e+30 (need a whole number from 1 to 16777216)");
  EXPECT_EQ(error_with("rms_norm_eps", 0), "config.json: rms_norm_eps is 0 (need a number above 0)");
  EXPECT_EQ(error_with("rope_theta", "1e6"), "config.json: rope_theta is \"1e6\" (need a number above 0)");
  EXPECT_EQ(error_with("tie_word_embeddings", 1),
            "config.json: tie_word_embeddings is 1 (need true or false)");
  EXPECT_EQ(error_with("eos_token_id", -1),
            "config.json: eos_token_id is -1 (need one or several whole numbers from 0)");
  EXPECT_EQ(error_with("eos_token_id", 151936),
            "config.json: eos_token_id 151936 is not a token (need 0 to 151935, vocab_size - 1)");
  EXPECT_EQ(error_with("torch_dtype", "int8"),
            "config.json: torch_dtype is \"int8\" (need \"float32\", \"bfloat16\" or \"float16\")");
  EXPECT_EQ(error_with("num_key_value_heads", 5),
            "config.json: num_attention_heads is 16 (need a multiple of num_key_value_heads, 5)");
  EXPECT_EQ(error_with("head_dim", 63),
            "config.json: head_dim is 63 (need an even number: RoPE turns pairs)");
}

TEST(DecoderConfig, AllProblemsAreListedAtOnce) {
  EXPECT_EQ(error_of(R"({"model_type": "qwen3", "hidden_size": 4, "hidden_act": "gelu", "vocab_size": 10,
                         "intermediate_size": 16, "num_hidden_layers": 1, "num_key_value_heads": 3})"),
            "config.json: hidden_act is \"gelu\" (supported: \"silu\")\n"
            "config.json: hidden_size is 4 (need a whole number from 8 to 65536)\n"
            "config.json: num_attention_heads is missing\n"
            "config.json: max_position_embeddings is missing");
}

TEST(DecoderConfig, BrokenJsonIsRefused) {
  EXPECT_THAT(error_of("{"), HasSubstr("config.json: is not valid JSON: \"parse error at line 1, column 2"));
  EXPECT_THAT(error_of(R"({"rope_theta": 1e400})"), HasSubstr("number overflow parsing '1e400'"));
  EXPECT_THAT(error_of("{\"\xff\": 1}"), HasSubstr("ill-formed UTF-8 byte"));
  EXPECT_EQ(error_of("[]"), "config.json: is [] (need a JSON object)");
  EXPECT_EQ(error_of(R"({"a": {"b": 1}, "c": {"b": 1}, "a": 2})"), "config.json: key \"a\" stands twice");
  EXPECT_EQ(error_of("{}"),
            "config.json: model_type is missing (supported: \"qwen2\", \"qwen3\", \"llama\")");
  EXPECT_THAT(error_of(std::string(1'000'000, '[')), HasSubstr("is not valid JSON"));
}

TEST(DecoderConfig, ReadsBackWhatItWrote) {
  DecoderConfig config = tiny();
  EXPECT_EQ(parse_decoder_config(to_config_json(config), "x"), config);
  config.eos_token_ids = {3, 5};
  config.tie_word_embeddings = false;
  config.dtype = TensorDtype::f16;
  EXPECT_EQ(parse_decoder_config(to_config_json(config), "x"), config);
  config.rope = {.type = RopeType::yarn,
                 .theta = 5e5,
                 .factor = 4,
                 .original_max_position_embeddings = 64,
                 .attention_factor = 1.2,
                 .beta_fast = 30,
                 .beta_slow = 2,
                 .truncate = false};
  EXPECT_EQ(parse_decoder_config(to_config_json(config), "x"), config);
  config.rope = {.type = RopeType::llama3,
                 .factor = 8,
                 .low_freq_factor = 1,
                 .high_freq_factor = 4,
                 .original_max_position_embeddings = 64};
  config.family = ModelFamily::llama;
  config.qk_norm = false;
  config.qkv_bias = config.out_bias = config.mlp_bias = true;
  EXPECT_EQ(parse_decoder_config(to_config_json(config), "x"), config);
}

TEST(DecoderConfig, AnImpossibleRecipeIsAUsageError) {
  ModelInitConfig init;
  init.num_attention_heads = 4;
  init.num_key_value_heads = 3;
  init.head_dim = 7;
  try {
    (void)decoder_config_from(init, 10, 10);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    EXPECT_STREQ(error.what(),
                 "[model]: num_attention_heads is 4 (need a multiple of num_key_value_heads, 3)\n"
                 "[model]: head_dim is 7 (need an even number: RoPE turns pairs)\n"
                 "[model]: eos_token_id 10 is not a token (need 0 to 9, vocab_size - 1)");
  }
}

/// A file with a tensor of zeros for each spec.
void write_zeros(const std::filesystem::path& path, const std::vector<TensorSpec>& specs, TensorDtype dtype) {
  static const std::vector<std::byte> zeros(1 << 20);
  std::vector<TensorView> views;
  for (const auto& spec : specs) {
    std::size_t bytes = dtype_size(dtype);
    for (const auto size : spec.shape) bytes *= static_cast<std::size_t>(size);
    views.push_back(
        {.name = spec.name, .dtype = dtype, .shape = spec.shape, .data = std::span(zeros).first(bytes)});
  }
  write_safetensors(path, views);
}

std::string tensors_error(const DecoderConfig& config, const std::filesystem::path& file) {
  try {
    check_decoder_tensors(config, WeightFiles::open(file.parent_path()));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "accepted";
}

TEST(DecoderTensors, EveryMismatchIsListed) {
  const testing::TempDir folder;
  const auto file = folder.path() / "model.safetensors";
  const DecoderConfig config = tiny();
  write_zeros(file, decoder_tensor_specs(config), TensorDtype::bf16);
  EXPECT_EQ(tensors_error(config, file), "accepted");
  DecoderConfig other = config;
  other.vocab_size = 41;
  other.num_key_value_heads = 4;
  other.intermediate_size = 16;
  const std::string at = file.string() + ": tensor \"model.";
  EXPECT_EQ(tensors_error(other, file),
            at + "embed_tokens.weight\" has shape [40, 16] (need [41, 16])\n" + at +
                "layers.0.self_attn.k_proj.weight\" has shape [12, 16] (need [24, 16])\n" + at +
                "layers.0.self_attn.v_proj.weight\" has shape [12, 16] (need [24, 16])\n" + at +
                "layers.0.mlp.gate_proj.weight\" has shape [24, 16] (need [16, 16])\n" + at +
                "layers.0.mlp.up_proj.weight\" has shape [24, 16] (need [16, 16])\n" + at +
                "layers.0.mlp.down_proj.weight\" has shape [16, 24] (need [16, 16])");
  auto specs = decoder_tensor_specs(config);
  std::erase_if(specs,
                [](const auto& spec) { return spec.name == "model.layers.0.self_attn.q_norm.weight"; });
  write_zeros(file, specs, TensorDtype::f32);
  EXPECT_EQ(tensors_error(config, file),
            at + "layers.0.self_attn.q_norm.weight\" is missing (need shape [6])");
}

TEST(DecoderTensors, AStoredHeadBesideTiedEmbeddingsMustEqualThem) {
  const testing::TempDir folder;
  const auto file = folder.path() / "model.safetensors";
  DecoderConfig config = tiny();
  config.tie_word_embeddings = false;
  write_zeros(file, decoder_tensor_specs(config), TensorDtype::f32);
  EXPECT_EQ(tensors_error(config, file), "accepted");
  config.tie_word_embeddings = true;
  EXPECT_EQ(tensors_error(config, file), "accepted");
  std::string bytes = testing::read_text(file);
  bytes[8 + static_cast<unsigned char>(bytes[0]) + 256 * static_cast<unsigned char>(bytes[1])] =
      1;  // first of the head
  testing::write_text(file, bytes);
  EXPECT_EQ(tensors_error(config, file),
            file.string() + ": tensor \"lm_head.weight\" of shape [40, 16] is not part of the model");
}

TEST(DecoderTensors, WeightsThatAreNotFloatingPointAreRefused) {
  const testing::TempDir folder;
  const auto file = folder.path() / "model.safetensors";
  write_zeros(file, decoder_tensor_specs(tiny()), TensorDtype::i32);
  EXPECT_THAT(tensors_error(tiny(), file),
              HasSubstr("tensor \"model.norm.weight\" is I32 (need F32, BF16 or F16)"));
}

TEST(DecoderConfig, TransformersLoadsOursWithEqualValues) {
  const auto python = testing::oracle_python();
  if (!python) GTEST_SKIP() << "no Python with the oracle packages";
  const testing::TempDir folder;
  DecoderConfig config = tiny();
  config.dtype = TensorDtype::bf16;
  testing::write_text(folder.path() / "config.json", to_config_json(config));
  testing::write_text(folder.path() / "generation_config.json", generation_config_json(config));
  std::string shapes;
  for (const auto& spec : decoder_tensor_specs(config))
    shapes += spec.name + " " + shape_text(spec.shape) + "\n";
  testing::write_text(folder.path() / "shapes", shapes);
  testing::write_text(folder.path() / "oracle.py", R"(
import sys, torch
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig
folder = sys.argv[1]
c = AutoConfig.from_pretrained(folder)
expected = dict(model_type="qwen3", vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=1,
                num_attention_heads=4, num_key_value_heads=2, head_dim=6, max_position_embeddings=256,
                rms_norm_eps=2e-5, initializer_range=0.02, tie_word_embeddings=True, eos_token_id=3,
                attention_bias=False, attention_dropout=0.0, hidden_act="silu", sliding_window=None,
                dtype=torch.bfloat16, layer_types=["full_attention"], architectures=["Qwen3ForCausalLM"],
                rope_parameters={"rope_type": "default", "rope_theta": 12345.5})
for name, value in expected.items():
    assert getattr(c, name) == value, (name, getattr(c, name), value)
model = AutoModelForCausalLM.from_config(c)
ours = [line.split(" ", 1) for line in open(folder + "/shapes").read().splitlines()]
theirs = {name: str(list(p.shape)) for name, p in model.named_parameters()}
assert dict(ours) == theirs, (ours, theirs)
g = GenerationConfig.from_pretrained(folder)
assert (g.do_sample, g.temperature, g.top_k, g.top_p, g.eos_token_id, g.pad_token_id) == (True, 1.0, 0, 1.0, 3, 3), g
c.save_pretrained(folder + "/theirs")
)");
  const auto result =
      testing::run_command("'" + python->string() + "' '" + (folder.path() / "oracle.py").string() + "' '" +
                           folder.path().string() + "'");
  ASSERT_EQ(result.exit_code, 0) << result.output;
  EXPECT_EQ(parse_decoder_config(testing::read_text(folder.path() / "theirs" / "config.json"), "theirs"),
            config);
}

}  // namespace
}  // namespace reckon
