#include <string>

#include "reckon/base/error.h"
#include "tokenizer_reader.h"

namespace reckon {
namespace {

/// Reads the parts of a tokenizer.json that say what happens around the model.
class PipelineReader {
 public:
  explicit PipelineReader(const JsonFile& file) : file_(file) {}

  TokenizerPipeline read(JsonObject root) {
    check_version(root);
    if (const auto part = file_.member(root, "normalizer")) read_normalizer(*part);
    if (const auto part = file_.member(root, "pre_tokenizer")) read_pre_tokenizer(*part);
    if (const auto part = file_.member(root, "post_processor")) read_post_processor(*part);
    if (pipeline_.post_processor.empty()) pipeline_.post_processor.push_back({true, {}});
    read_decoder(root);
    return std::move(pipeline_);
  }

 private:
  /// Whether a part is of a type; a part that is no object is of none.
  static bool is(JsonElement part, std::string_view type) { return type_of(part) == in_quotes(type); }

  [[noreturn]] void refuse(const std::string& what, JsonElement part, const std::string& need) const {
    file_.fail(what + " " + type_of(part) + " is not supported (need " + need + ")");
  }

  void check_version(JsonObject root) const {
    const auto version = file_.member(root, "version");
    if (version && json_text(*version) != "\"1.0\"") {
      file_.fail("version " + json_text(*version) + " is not supported (need \"1.0\")");
    }
  }

  void read_normalizer(JsonElement part) {
    if (is(part, "Sequence")) {
      for (const JsonElement item :
           file_.array_member(JsonObject(part), "normalizers", "normalizer Sequence")) {
        read_normalizer(item);
      }
    } else if (is(part, "NFC")) {
      pipeline_.normalises = true;
    } else {
      refuse("normalizer", part, "null, \"NFC\" or a \"Sequence\" of it");
    }
  }

  void read_pre_tokenizer(JsonElement part) {
    if (is(part, "Sequence")) {
      for (const JsonElement item :
           file_.array_member(JsonObject(part), "pretokenizers", "pre_tokenizer Sequence")) {
        read_pre_tokenizer(item);
      }
      return;
    }
    if (pipeline_.unit == BpeUnit::byte) {
      file_.fail("pre_tokenizer " + type_of(part) +
                 " behind \"ByteLevel\" is not supported (need that last)");
    }
    if (is(part, "Split")) {
      read_split(JsonObject(part));
    } else if (is(part, "Digits")) {
      pipeline_.steps.push_back(DigitsStep{
          file_.bool_member(JsonObject(part), "individual_digits", false, "pre_tokenizer Digits")});
    } else if (is(part, "ByteLevel")) {
      read_byte_level(JsonObject(part));
    } else {
      refuse("pre_tokenizer", part, "null, \"Split\", \"Digits\", \"ByteLevel\" or a \"Sequence\" of these");
    }
  }

  void read_split(JsonObject part) {
    const std::string place = "pre_tokenizer Split";
    const std::string where = file_.where() + ": " + place;
    const auto pattern = file_.member(part, "pattern");
    if (!pattern || !pattern->is_object())
      file_.fail(place + ": no \"pattern\" (need an object of that name)");
    const JsonObject pattern_object(*pattern);
    const bool is_regex = file_.member(pattern_object, "Regex").has_value();
    if (!is_regex && !file_.member(pattern_object, "String")) {
      file_.fail(place + ": pattern " + json_text(*pattern) +
                 " is not supported (need \"Regex\" or \"String\")");
    }
    const std::string_view text = file_.string_member(pattern_object, is_regex ? "Regex" : "String", place);
    const std::string_view behavior = file_.string_member(part, "behavior", place);
    if (behavior != "Isolated" && behavior != "Removed") {
      file_.fail(place + ": behavior " + in_quotes(behavior) +
                 " is not supported (need \"Isolated\" or \"Removed\")");
    }
    pipeline_.steps.push_back(
        SplitStep{is_regex ? SplitRegex::compile(text, where) : SplitRegex::of_text(text, where),
                  file_.bool_member(part, "invert", false, place), behavior == "Removed"});
  }

  void read_byte_level(JsonObject part) {
    pipeline_.unit = BpeUnit::byte;
    if (file_.bool_member(part, "add_prefix_space", true, "pre_tokenizer ByteLevel")) {
      pipeline_.steps.push_back(PrefixSpaceStep{});
    }
    if (file_.bool_member(part, "use_regex", true, "pre_tokenizer ByteLevel")) {
      pipeline_.steps.push_back(SplitStep{gpt2_pattern()});
    }
  }

  void read_post_processor(JsonElement part) {
    if (is(part, "Sequence")) {
      for (const JsonElement item :
           file_.array_member(JsonObject(part), "processors", "post_processor Sequence")) {
        read_post_processor(item);
      }
    } else if (is(part, "TemplateProcessing")) {
      read_template(JsonObject(part));
    } else if (!is(part, "ByteLevel")) {  // which only moves offsets
      refuse("post_processor", part,
             "null, \"TemplateProcessing\", \"ByteLevel\" or a \"Sequence\" of these");
    }
  }

  void read_template(JsonObject part) {
    const std::string place = "post_processor TemplateProcessing";
    if (!pipeline_.post_processor.empty()) file_.fail(place + " stands twice (need it once)");
    for (const JsonElement item : file_.array_member(part, "single", place)) {
      const JsonObject piece = file_.object_of(item, place);
      const auto sequence = file_.member(piece, "Sequence");
      const auto special = file_.member(piece, "SpecialToken");
      if (sequence) {
        const auto id = file_.string_member(file_.object_of(*sequence, place), "id", place);
        if (id != "A") file_.fail(place + ": sequence " + in_quotes(id) + " in \"single\" (need \"A\")");
        pipeline_.post_processor.push_back({true, {}});
      } else if (special) {
        const auto id = file_.string_member(file_.object_of(*special, place), "id", place);
        pipeline_.post_processor.push_back({false, ids_of(part, id, place)});
      } else {
        file_.fail(place + " holds " + json_text(item) + " (need \"Sequence\" or \"SpecialToken\")");
      }
    }
    if (pipeline_.post_processor.empty())
      file_.fail(place + ": \"single\" is empty (need the sequence \"A\")");
  }

  std::vector<std::uint32_t> ids_of(JsonObject part, std::string_view name, const std::string& place) const {
    const auto tokens = file_.member(part, "special_tokens");
    std::optional<JsonElement> token;
    if (tokens) token = file_.member(file_.object_of(*tokens, place), name);
    if (!token) file_.fail(place + ": special_tokens has no " + in_quotes(name) + " (need its ids)");
    std::vector<std::uint32_t> ids;
    for (const JsonElement item : file_.array_member(file_.object_of(*token, place), "ids", place)) {
      std::uint64_t id = 0;
      if (item.get(id) != simdjson::SUCCESS || id > 0x7FFFFFFF) {
        file_.fail(place + ": " + in_quotes(name) + " has id " + json_text(item) +
                   " (need a whole number, 0 .. 2147483647)");
      }
      ids.push_back(static_cast<std::uint32_t>(id));
    }
    return ids;
  }

  void read_decoder(JsonObject root) const {
    const auto decoder = file_.member(root, "decoder");
    const std::string needed = pipeline_.unit == BpeUnit::byte ? "ByteLevel" : "Fuse";
    const std::string need = in_quotes(needed) + (needed == "Fuse" ? "" : " as in the pre_tokenizer");
    if (!decoder) file_.fail("decoder null is not supported (need " + need + ")");
    bool decodes = false;
    read_decoder_part(*decoder, needed, need, decodes);
    if (!decodes) file_.fail("decoder Sequence has no " + in_quotes(needed) + " (need it)");
  }

  /// A Fuse behind ByteLevel changes nothing.
  void read_decoder_part(JsonElement part, const std::string& needed, const std::string& need,
                         bool& decodes) const {
    if (is(part, "Sequence")) {
      for (const JsonElement item : file_.array_member(JsonObject(part), "decoders", "decoder Sequence")) {
        read_decoder_part(item, needed, need, decodes);
      }
    } else if (is(part, needed) && !(decodes && needed == "ByteLevel")) {
      decodes = true;
    } else if (!(decodes && is(part, "Fuse"))) {
      refuse("decoder", part, need);
    }
  }

  const JsonFile& file_;
  TokenizerPipeline pipeline_;
};

}  // namespace

TokenizerPipeline read_pipeline(const JsonFile& file, JsonObject root) {
  return PipelineReader(file).read(root);
}

}  // namespace reckon
