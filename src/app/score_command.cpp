// `reckon score`: log-probabilities of given tokens, for perplexity and multiple choice.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "commands.h"
#include "enum_option.h"
#include "json_lines.h"
#include "machine.h"
#include "reckon/base/error.h"
#include "reckon/learn/policy_pass.h"
#include "reckon/model/pretrained.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// log p(ids[i] | ids[0 .. i-1]) for i = 1 .. n-1; the same bits in whatever company a line comes.
std::vector<float> logprobs_of(PolicyPass& pass, const DecoderConfig& config,
                               const std::vector<std::uint32_t>& ids, const std::string& where) {
  const auto fail = [&](const std::string& what) { throw Error(ExitCode::bad_data, where + ": " + what); };
  for (const std::uint32_t id : ids) {
    if (id >= config.vocab_size) {
      fail("token id " + std::to_string(id) + " (need 0 to " + std::to_string(config.vocab_size - 1) + ")");
    }
  }
  if (static_cast<std::int64_t>(ids.size()) > config.max_position_embeddings) {
    fail(std::to_string(ids.size()) + " token ids (need at most max_position_embeddings, " +
         std::to_string(config.max_position_embeddings) + ")");
  }
  if (ids.size() < 2) return {};
  const TrainSequence sequence{std::span(ids).first(1), std::span(ids).subspan(1)};
  pass.forward({&sequence, 1}, 1.0f, Keep::nothing);
  const std::span<const float> logprob = pass.leaf(0).logprob;
  return {logprob.begin(), logprob.end()};
}

void score(const std::string& model, ComputeDtype dtype, const std::string& file) {
  check_machine();
  at::set_num_threads(1);
  const auto decoder = load_pretrained(model, dtype);
  PolicyPass pass(*decoder);
  answer_json_lines(file, [&](const json& line, const std::string& where) -> ordered_json {
    const std::vector<std::uint32_t> ids = json_ids(line, where);
    ordered_json logprobs = ordered_json::array();
    // A double that holds the float32: it reads back as the same bits.
    for (const float value : logprobs_of(pass, decoder->config(), ids, where)) logprobs.push_back(value);
    return {{"logprobs", std::move(logprobs)}};
  });
}

}  // namespace

void add_score_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("score",
                                             "Turn {ids} lines into {logprobs} lines, in the same order: log "
                                             "p(ids[i] given ids[0..i-1]), i = 1 .. n-1");
  const auto model = std::make_shared<std::string>();
  const auto file = std::make_shared<std::string>();
  const auto dtype = std::make_shared<std::string>("float32");
  command->add_option("--model", *model, "model folder; it needs no tokenizer")->required();
  command->add_option("--compute-dtype", *dtype, "what matrix products are rounded to: float32 or bfloat16")
      ->capture_default_str();
  command->add_option("file", *file, "JSON lines; standard input where it is not given or -");
  command->callback([model, dtype, file] {
    score(*model, parse_enum<ComputeDtype>("--compute-dtype", *dtype, ExitCode::usage), *file);
  });
}

}  // namespace reckon
