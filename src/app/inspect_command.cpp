// `reckon inspect`: what a model folder holds, and how its weights came to be.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "commands.h"
#include "display.h"
#include "json_lines.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "reckon/lineage/lineage.h"
#include "reckon/model/pretrained.h"
#include "reckon/text/text_folder.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

void row(const std::string& name, const std::string& value) {
  std::string label = name;
  label.resize(13, ' ');
  write_line(label + value);
}

std::string with_commas(std::int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::int64_t>(text.size()) - 3; at > 0; at -= 3) {
    text.insert(static_cast<std::size_t>(at), ",");
  }
  return text;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::uint64_t kMega = 1'000'000;
  const auto mega = static_cast<double>(bytes) / static_cast<double>(kMega);
  return mega < 1000 ? fixed(mega, 1) + " MB" : fixed(mega / 1000, 2) + " GB";
}

std::string rope_text(const RopeConfig& rope) {
  std::string text = std::string(enum_name(rope.type)) + ", theta " + short_count(rope.theta);
  if (rope.type != RopeType::standard) text += ", factor " + fixed(rope.factor, 2);
  if (rope.original_max_position_embeddings != 0) {
    text += ", from " + with_commas(rope.original_max_position_embeddings) + " positions";
  }
  return text;
}

void show_config(const DecoderConfig& config) {
  std::int64_t parameters = 0;
  for (const TensorSpec& spec : decoder_tensor_specs(config)) {
    std::int64_t size = 1;
    for (const std::int64_t extent : spec.shape) size *= extent;
    parameters += size;
  }
  std::string biases;
  if (config.qkv_bias) biases += ", biases on q, k, v";
  if (config.out_bias) biases += " and o";
  if (config.mlp_bias) biases += ", biases in the MLP";
  row("family", std::string(enum_name(config.family)));
  row("parameters", with_commas(parameters) + " (" + short_count(static_cast<double>(parameters)) + ")");
  row("shape", std::to_string(config.num_hidden_layers) + " layers, width " +
                   std::to_string(config.hidden_size) + ", MLP " + std::to_string(config.intermediate_size) +
                   ", " + std::to_string(config.num_attention_heads) + " query and " +
                   std::to_string(config.num_key_value_heads) + " key heads of " +
                   std::to_string(config.head_dim));
  row("", std::string(config.tie_word_embeddings ? "tied" : "untied") + " embeddings" +
              (config.qk_norm ? ", normalised queries and keys" : "") + biases);
  row("positions", with_commas(config.max_position_embeddings) + ", RoPE " + rope_text(config.rope));
}

void show_weights(const DecoderConfig& config, const WeightFiles& weights) {
  std::set<std::string> dtypes;
  std::uint64_t bytes = 0;
  for (const TensorView& tensor : weights.tensors()) {
    dtypes.emplace(dtype_name(tensor.dtype));
    bytes += tensor.data.size();
  }
  std::string names;
  for (const std::string& dtype : dtypes) names += (names.empty() ? "" : ", ") + dtype;
  const std::size_t files = weights.files().size();
  row("weights", names + ", " + size_text(bytes) + " in " + std::to_string(files) +
                     (files == 1 ? " file" : " shards") + ", " + std::to_string(weights.tensors().size()) +
                     " tensors");
  check_decoder_tensors(config, weights);
  row("sha256", weights_sha256(config, weights));
}

void show_text(const fs::path& folder, const DecoderConfig& config) {
  const TextFolder text = load_text_folder(folder);
  const Tokenizer& tokenizer = text.tokenizer;
  std::size_t tokens = 0;
  for (std::uint32_t id = 0; id < tokenizer.vocab_size(); ++id) tokens += tokenizer.is_token(id) ? 1 : 0;
  row("vocabulary", with_commas(config.vocab_size) + " rows, " +
                        with_commas(static_cast<std::int64_t>(tokens)) + " tokens" +
                        (static_cast<std::int64_t>(tokenizer.vocab_size()) > config.vocab_size
                             ? "  (too many: do model and tokenizer belong together?)"
                             : ""));
  row("", "sha256 of tokenizer.json " + tokenizer.sha256());
  std::string end;
  for (const std::int64_t id : config.eos_token_ids) {
    const auto number = static_cast<std::uint32_t>(id);
    const std::string token = tokenizer.is_token(number) ? std::string(tokenizer.token_bytes(number)) : "?";
    end += (end.empty() ? "" : ", ") + token + " (" + std::to_string(id) + ")";
  }
  row("end tokens", end.empty() ? "none" : end);
  row("template", text.chat_template ? std::to_string(text.chat_template->source().size()) +
                                           " characters, sha256 " + sha256_hex(text.chat_template->source())
                                     : "none");
}

/// A lineage.json is some kilobytes; what is much larger is none.
constexpr std::size_t kMaxLineageBytes = std::size_t{64} << 20;

void show_lineage(const fs::path& file) {
  const Lineage lineage = parse_lineage(read_file(file, kMaxLineageBytes), file.string());
  std::string tree = lineage_tree(lineage, terminal_width());
  tree.pop_back();  // write_line adds the last line feed
  write_line(tree);
}

void show_model(const std::string& folder) {
  const DecoderConfig config = load_decoder_config(folder);
  row("folder", folder);
  show_config(config);
  show_weights(config, WeightFiles::open(folder));
  if (fs::exists(fs::path(folder) / "tokenizer.json")) {
    show_text(folder, config);
  } else {
    row("vocabulary", with_commas(config.vocab_size) + " rows, no tokenizer.json");
  }
}

/// The folder of a run has a lineage and no model.
void inspect(const std::string& folder) {
  const fs::path lineage = fs::path(folder) / "lineage.json";
  const bool has_lineage = fs::exists(lineage);
  const bool has_model = fs::exists(fs::path(folder) / "config.json");
  if (has_model || !has_lineage) show_model(folder);
  if (has_model && has_lineage) write_line("");
  if (has_lineage) show_lineage(lineage);
  flush_output();
}

}  // namespace

void add_inspect_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "inspect",
      "Check a model folder and show its family, size, weights, vocabulary, template, hashes and lineage");
  const auto folder = std::make_shared<std::string>();
  command->add_option("folder", *folder, "model folder, or the folder of a run")->required();
  command->callback([folder] { inspect(*folder); });
}

}  // namespace reckon
