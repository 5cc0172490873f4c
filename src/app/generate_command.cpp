// `reckon generate`: a model's words, as they come.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "display.h"
#include "enum_option.h"
#include "json_lines.h"
#include "machine.h"
#include "reckon/base/error.h"
#include "reckon/model/pretrained.h"
#include "reckon/rollout/sampler.h"
#include "reckon/text/prompt_format.h"
#include "reckon/text/token_stream.h"
#include "vocabulary.h"

namespace reckon {
namespace {

using nlohmann::ordered_json;

struct GenerateOptions {
  std::string model;
  std::string prompt;
  bool chat = false;
  PromptConfig format;
  std::string thinking = "auto";
  std::string compute_dtype = "float32";
  double temperature = 1.0;
  std::int64_t max_new_tokens = 512;
  std::int64_t seed = 0;
};

/// One model and one conversation.
class Generation {
 public:
  explicit Generation(const GenerateOptions& options)
      : options_(options),
        prompts_(load_text(options), options.format),
        decoder_(load_pretrained(
            options.model,
            parse_enum<ComputeDtype>("--compute-dtype", options.compute_dtype, ExitCode::usage))),
        sampler_(*decoder_) {
    fit_vocabulary(prompts_.tokenizer(), options.model, *decoder_);
  }

  [[nodiscard]] RenderedPrompt render(const std::string& text) const { return prompts_.render(text); }
  [[nodiscard]] RenderedPrompt render_conversation(const ordered_json& messages) const {
    return prompts_.render_conversation(messages);
  }

  /// Samples a completion behind the prompt and prints it as it comes. Returns its text.
  std::string answer(const RenderedPrompt& prompt) {
    TokenStream stream(prompts_.tokenizer(), SpecialTokens::keep);
    std::string text;
    const auto show = [&](const std::string& piece) {
      std::cout << piece;
      if (!piece.empty()) flush_output();
      text += piece;
    };
    SampleOptions sampling;
    const auto room =
        decoder_->config().max_position_embeddings - static_cast<std::int64_t>(prompt.token_ids.size());
    sampling.max_new_tokens = std::min(options_.max_new_tokens, std::max<std::int64_t>(room, 1));
    sampling.temperature = options_.temperature == 0 ? 1.0 : options_.temperature;
    sampling.decoding = options_.temperature == 0 ? Decoding::greedy : Decoding::sample;
    const std::vector<std::int64_t>& eos = decoder_->config().eos_token_ids;
    sampling.on_token = [&](std::size_t, std::uint32_t id) {
      if (std::find(eos.begin(), eos.end(), static_cast<std::int64_t>(id)) == eos.end())
        show(stream.give(id));
    };
    const SampleRequest request{prompt.token_ids,
                                {.seed = static_cast<std::uint64_t>(options_.seed), .visit = turn_++}};
    const auto start = std::chrono::steady_clock::now();
    const Sample sample = sampler_.generate({&request, 1}, sampling).front();
    show(stream.end());
    std::cout << '\n';
    flush_output();
    report(prompt.token_ids.size(), sample,
           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    return text;
  }

 private:
  static TextFolder load_text(const GenerateOptions& options) {
    TextFolder text = load_text_folder(options.model);
    if (options.chat && !text.chat_template) {
      throw Error(ExitCode::usage, options.model +
                                       ": --chat needs a chat template, and this folder has none "
                                       "(need chat_template.jinja, or chat_template in "
                                       "tokenizer_config.json)");
    }
    return text;
  }

  static void report(std::size_t prompt_tokens, const Sample& sample, double seconds) {
    const auto tokens = static_cast<double>(sample.token_ids.size());
    std::cerr << "[" << prompt_tokens << " prompt tokens, " << sample.token_ids.size() << " new in "
              << fixed(seconds, 1) << " s (" << fixed(tokens / seconds, 1) << " tok/s), ended by "
              << enum_name(sample.finish_reason) << "]\n";
  }

  GenerateOptions options_;
  PromptFormat prompts_;
  std::unique_ptr<Decoder> decoder_;
  Sampler sampler_;
  std::uint32_t turn_ = 0;
};

/// What a conversation keeps of an answer: not its thinking, as the templates of R1 and Qwen3 have it.
std::string spoken(const std::string& text) {
  const std::size_t close = text.rfind(kThinkClose);
  if (close == std::string::npos) return text;
  const std::size_t start = text.find_first_not_of(" \t\r\n", close + kThinkClose.size());
  return start == std::string::npos ? std::string() : text.substr(start);
}

void converse(Generation& generation) {
  ordered_json messages = ordered_json::array();
  std::string line;
  for (;;) {
    std::cerr << "> " << std::flush;
    if (!std::getline(std::cin, line)) break;
    if (line.empty()) continue;
    messages.push_back({{"role", "user"}, {"content", line}});
    const std::string text = generation.answer(generation.render_conversation(messages));
    messages.push_back({{"role", "assistant"}, {"content", spoken(text)}});
  }
  std::cerr << '\n';
}

void generate(GenerateOptions options) {
  check_machine();
  at::set_num_threads(1);
  if (!options.chat && options.prompt.empty()) {
    throw Error(ExitCode::usage, "generate: nothing to go on from (need --prompt TEXT, or --chat)");
  }
  if (!options.chat && !options.format.system.empty()) {
    throw Error(ExitCode::usage, "generate: --system needs --chat");
  }
  options.format.chat_template = options.chat ? "chat" : "none";
  for (const auto& [value, name] : enum_names(Thinking{})) {
    if (name == options.thinking) options.format.thinking = value;
  }
  Generation generation(options);
  if (!options.chat) {
    const RenderedPrompt prompt = generation.render(options.prompt);
    std::cout << prompt.text << std::flush;
    (void)generation.answer(prompt);
  } else if (!options.prompt.empty()) {
    const ordered_json message = {{"role", "user"}, {"content", options.prompt}};
    (void)generation.answer(generation.render_conversation(ordered_json::array({message})));
  } else {
    converse(generation);
  }
}

}  // namespace

void add_generate_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand("generate", "Print what a model says, as it says it");
  const auto options = std::make_shared<GenerateOptions>();
  command->add_option("--model", options->model, "model folder")->required();
  command->add_option("--prompt", options->prompt, "text to go on from; with --chat, the user's message");
  command->add_flag(
      "--chat", options->chat,
      "through the model's chat template; without --prompt, a conversation: each line of standard "
      "input is a message");
  command->add_option("--system", options->format.system, "message of the system, with --chat");
  command->add_option("--think-prefix", options->format.think_prefix,
                      "text the answer is made to begin with");
  command->add_option("--thinking", options->thinking, "enable_thinking of the template: auto, on or off")
      ->check(CLI::IsMember({"auto", "on", "off"}));
  command->add_option("--compute-dtype", options->compute_dtype,
                      "what matrix products are rounded to: float32 or bfloat16");
  command->add_option("--temperature", options->temperature, "0 takes the likeliest token each time")
      ->check(CLI::Range(0.0, 10.0))
      ->default_str("1");
  command->add_option("--max-new-tokens", options->max_new_tokens, "most tokens of an answer")
      ->check(CLI::Range(1, 1048576))
      ->default_str("512");
  command->add_option("--seed", options->seed, "of the samples; the same seed gives the same text")
      ->check(CLI::NonNegativeNumber);
  command->callback([options] { generate(*options); });
}

}  // namespace reckon
