// `reckon tokenize`: text to token ids and back, as JSON lines.
#include <CLI/CLI.hpp>
#include <memory>

#include "commands.h"
#include "json_lines.h"
#include "reckon/base/error.h"
#include "reckon/text/json.h"
#include "reckon/text/text_folder.h"

namespace reckon {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct TokenizeOptions {
  std::string model;
  std::string file;
  bool decode = false;
  bool special_tokens = false;
};

/// An error of one line says which line it was.
template <class Work>
ordered_json at_line(const std::string& where, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    throw Error(error.code(), where + ": " + error.what());
  }
}

void tokenize(const TokenizeOptions& options) {
  const TextFolder folder = load_text_folder(options.model);
  const Tokenizer& tokenizer = folder.tokenizer;
  answer_json_lines(options.file, [&](const json& line, const std::string& where) {
    if (options.decode) {
      const std::vector<std::uint32_t> ids = json_ids(line, where);
      return at_line(where, [&]() -> ordered_json { return {{"text", tokenizer.decode(ids)}}; });
    }
    const std::string& text = json_string(line, "text", where);
    const AddSpecials specials = options.special_tokens ? AddSpecials::yes : AddSpecials::no;
    return at_line(where, [&]() -> ordered_json { return {{"ids", tokenizer.encode(text, specials)}}; });
  });
}

}  // namespace

void add_tokenize_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "tokenize",
      "Turn {text} lines into {ids} lines, in the same order; with --decode, {ids} lines into {text} lines");
  const auto options = std::make_shared<TokenizeOptions>();
  command->add_option("--model", options->model, "model folder; only its tokenizer files are read")
      ->required();
  command->add_flag("--decode", options->decode, "from ids to text; special tokens are kept");
  command->add_flag("--special-tokens", options->special_tokens,
                    "add what the tokenizer puts around a text, such as BOS");
  command->add_option("file", options->file, "JSON lines; standard input where it is not given or -");
  command->callback([options] { tokenize(*options); });
}

}  // namespace reckon
