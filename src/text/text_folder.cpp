#include "reckon/text/text_folder.h"

#include <nlohmann/json.hpp>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/text/json.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr std::size_t kMaxBytes = std::size_t{256} << 20;

bool is_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

/// The object of a JSON file; empty where there is no such file.
json object_of(const fs::path& file) {
  if (!is_there(file)) return json::object();
  json object = parse_json(read_file(file, kMaxBytes), file.string());
  if (!object.is_object()) {
    throw Error(ExitCode::bad_data,
                file.string() + ": holds a JSON " + object.type_name() + " (need an object)");
  }
  return object;
}

/// A special token's text: it stands as a string, or as an object with the string as its content.
std::string special_token(const json& object, const char* key, const fs::path& file) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  if (found->is_object() && found->contains("content") && (*found)["content"].is_string()) {
    return (*found)["content"].get<std::string>();
  }
  throw Error(ExitCode::bad_data, file.string() + ": \"" + key + "\" is " + found->dump(-1, ' ', true) +
                                      " (need a token's text, or an object with its content)");
}

/// The text of the template in tokenizer_config.json, "" where there is none.
std::string template_in_config(const json& config, const fs::path& file) {
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return {};
  if (found->is_string()) return found->get<std::string>();
  const auto fail = [&](const std::string& what) {
    throw Error(ExitCode::bad_data, file.string() + ": chat_template " + what);
  };
  if (!found->is_array()) fail(std::string("is a JSON ") + found->type_name() + " (need text, or a list)");
  std::string names;
  for (const json& entry : *found) {
    if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string() ||
        !entry.contains("template") || !entry["template"].is_string()) {
      fail("holds an entry without a name or a template (need {\"name\", \"template\"} objects)");
    }
    if (entry["name"] == "default") return entry["template"].get<std::string>();
    names += (names.empty() ? "" : ", ") + entry["name"].get<std::string>();
  }
  fail("has no template \"default\" (it has: " + names + ")");
  return {};
}

}  // namespace

TextFolder load_text_folder(const fs::path& folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored)) {
    throw Error(ExitCode::missing_input, folder.string() + ": no such folder (need one with tokenizer.json)");
  }
  const fs::path config_file = folder / "tokenizer_config.json";
  const fs::path map_file = folder / "special_tokens_map.json";
  const json config = object_of(config_file);
  const json map = object_of(map_file);
  const auto token = [&](const char* key) {
    const std::string text = special_token(config, key, config_file);
    return text.empty() ? special_token(map, key, map_file) : text;
  };
  const std::string eos = token("eos_token");
  const fs::path tokenizer_file = folder / "tokenizer.json";
  TextFolder text{
      .tokenizer = Tokenizer::from_json(read_file(tokenizer_file, kMaxBytes), tokenizer_file.string(), eos),
      .bos_token = token("bos_token"),
      .eos_token = eos,
      .unk_token = token("unk_token"),
      .pad_token = token("pad_token")};
  const fs::path template_file = folder / "chat_template.jinja";
  if (is_there(template_file)) {
    text.chat_template = ChatTemplate::parse(read_file(template_file, kMaxBytes), template_file.string());
  } else if (const std::string source = template_in_config(config, config_file); !source.empty()) {
    text.chat_template = ChatTemplate::parse(source, config_file.string() + ": chat_template");
  }
  return text;
}

}  // namespace reckon
