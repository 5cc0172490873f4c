#include "tokenizer_reader.h"

#include <algorithm>
#include <map>
#include <set>

#include "byte_alphabet.h"
#include "reckon/base/error.h"
#include "reckon/text/tokenizer.h"
#include "unicode.h"

namespace reckon {
namespace {

constexpr std::uint64_t kHighestId = 0x7FFFFFFF;

std::string text_or_null(std::optional<JsonElement> value) {
  return value ? json_text(*value) : "null";
}

}  // namespace

std::shared_ptr<const TokenizerData> TokenizerReader::read(std::string_view text,
                                                           std::string_view eos_token) {
  const JsonElement root = file_.parse(text);
  if (!root.is_object()) {
    file_.fail("the file holds a JSON " + std::string(json_kind(root)) + " (need an object)");
  }
  const JsonObject object(root);
  file_.check_keys(root, "vocab");
  const auto model = file_.member(object, "model");
  if (!model || !model->is_object()) file_.fail("no \"model\" (need an object of that name)");
  const JsonObject model_object(*model);
  check_model(*model);
  TokenizerPipeline pipeline = read_pipeline(file_, object);
  read_vocab(model_object);
  const JsonArray merges = file_.array_member(model_object, "merges", "model");
  BpeModel bpe(pipeline.unit, num_tokens_, merges.size());
  for (std::size_t id = 0; id < texts_.size(); ++id) {
    if (texts_[id].empty()) continue;
    if (!bpe.add_token(texts_[id], static_cast<std::uint32_t>(id))) file_.fail_twice(texts_[id]);
  }
  read_merges(bpe, merges);
  bpe.finish(file_.bool_member(model_object, "ignore_merges", false, "model"),
             file_.bool_member(model_object, "byte_fallback", false, "model"));
  read_added_tokens(file_.array_member(object, "added_tokens", "the file"), bpe);
  data_ = std::make_shared<TokenizerData>(std::move(bpe), texts_.size());
  data_->json = text;
  data_->normalises = pipeline.normalises;
  data_->pre_tokenizer = PreTokenizer(std::move(pipeline.steps));
  data_->post_processor = std::move(pipeline.post_processor);
  make_texts();
  make_finders();
  check_template_ids();
  if (!eos_token.empty()) {
    data_->eos_id = Tokenizer(data_).token_id(eos_token);
    data_->eos_text = eos_token;
    if (!data_->eos_id) {
      file_.fail("the vocabulary has no end-of-sequence token " + in_quotes(eos_token));
    }
  }
  return std::move(data_);
}

void TokenizerReader::check_model(JsonElement part) const {
  const JsonObject model(part);
  // Files of old have no type; `tokenizers` knows BPE by its merges.
  const bool has_no_type = !file_.member(model, "type") && file_.member(model, "merges");
  if (!has_no_type && type_of(part) != "\"BPE\"") {
    file_.fail("model " + type_of(part) + " is not supported (need \"BPE\")");
  }
  for (const char* key : {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
    const auto value = file_.member(model, key);
    if (!value) continue;
    const std::string text = json_text(*value);
    const bool is_nothing =
        text == "\"\"" || text == "false" || (std::string_view(key) == "dropout" && text == "0.0");
    if (!is_nothing) {
      file_.fail(std::string("model.") + key + " = " + text + " is not supported (need null)");
    }
  }
}

std::uint32_t TokenizerReader::token_id(std::optional<JsonElement> value, std::string_view token) const {
  std::uint64_t id = 0;
  if (!value || value->get(id) != simdjson::SUCCESS || id > kHighestId) {
    file_.fail("token " + in_quotes(token) + " has id " + text_or_null(value) +
               " (need a whole number, 0 .. " + std::to_string(kHighestId) + ")");
  }
  return static_cast<std::uint32_t>(id);
}

void TokenizerReader::read_vocab(JsonObject model) {
  const auto vocab = file_.member(model, "vocab");
  if (!vocab || !vocab->is_object()) {
    file_.fail("model.vocab is missing or no object (need token: id pairs)");
  }
  std::size_t num_entries = 0;
  for (const auto field : JsonObject(*vocab)) num_entries += field.key.empty() ? 0 : 1;
  // Tables go by id: a single huge one must not cost gigabytes.
  highest_allowed_ = num_entries * 8 + 1000;
  for (const auto field : JsonObject(*vocab)) {
    if (field.key.empty()) file_.fail("the vocabulary holds an empty token");
    number_token(field.key, token_id(field.value, field.key));
  }
}

void TokenizerReader::number_token(std::string_view text, std::uint32_t id) {
  if (id > highest_allowed_) {
    file_.fail("token " + in_quotes(text) + " has id " + std::to_string(id) + " (need at most " +
               std::to_string(highest_allowed_) + " in a vocabulary of this size)");
  }
  if (id >= texts_.size()) texts_.resize(id + 1);
  if (texts_[id] == text) file_.fail_twice(text);
  if (!texts_[id].empty()) {
    file_.fail("tokens " + in_quotes(texts_[id]) + " and " + in_quotes(text) + " both have id " +
               std::to_string(id));
  }
  texts_[id] = text;
  ++num_tokens_;
}

void TokenizerReader::read_merges(BpeModel& bpe, JsonArray merges) const {
  std::optional<bool> as_pairs;
  std::uint32_t rank = 0;
  for (const JsonElement merge : merges) {
    const std::string place = "model.merges, entry " + std::to_string(rank);
    if (as_pairs.value_or(merge.is_array()) != merge.is_array()) {
      file_.fail(place + " is " + json_text(merge) + " (need all strings or all pairs)");
    }
    as_pairs = merge.is_array();
    if (*as_pairs) {
      std::vector<JsonElement> parts;
      for (const JsonElement part : JsonArray(merge)) parts.push_back(part);
      if (parts.size() != 2) file_.fail(place + " is " + json_text(merge) + " (need a pair of strings)");
      read_merge(bpe, file_.string_of(parts[0], place), file_.string_of(parts[1], place), rank);
    } else {
      const std::string_view text = file_.string_of(merge, place);
      if (text.starts_with("#version")) continue;  // the first line of files merges.txt
      const std::size_t blank = text.find(' ');
      if (blank == std::string_view::npos || text.find(' ', blank + 1) != std::string_view::npos) {
        file_.fail(place + " is " + json_text(merge) + " (need two tokens and one blank between them)");
      }
      read_merge(bpe, text.substr(0, blank), text.substr(blank + 1), rank);
    }
    ++rank;
  }
}

void TokenizerReader::read_merge(BpeModel& bpe, std::string_view left, std::string_view right,
                                 std::uint32_t rank) const {
  std::string both(left);
  both += right;
  const auto find = [&](std::string_view token) {
    const auto id = token.empty() ? std::nullopt : bpe.id_of(token);
    if (!id) {
      file_.fail("model.merges, entry " + std::to_string(rank) + " joins " + in_quotes(left) + " and " +
                 in_quotes(right) + ", but " + in_quotes(token) +
                 " is not in model.vocab (need both and what they make)");
    }
    return *id;
  };
  const std::uint32_t left_id = find(left);
  const std::uint32_t right_id = find(right);
  bpe.add_merge(left_id, right_id, {rank, find(both)});
}

void TokenizerReader::read_added_tokens(JsonArray list, const BpeModel& bpe) {
  std::set<std::string_view> known;
  for (const JsonElement entry : list) {
    added_.push_back(read_added_token(entry));
    const AddedToken& token = added_.back();
    const std::string name = "added token " + in_quotes(token.text);
    if (!known.insert(file_.string_member(JsonObject(entry), "content", "added_tokens")).second) {
      file_.fail(name + " stands twice");
    }
    const auto in_vocab = bpe.id_of(token.text);
    if (in_vocab && *in_vocab != token.id) {
      file_.fail(name + " has id " + std::to_string(token.id) + ", in model.vocab " +
                 std::to_string(*in_vocab) + " (need the same)");
    }
    if (in_vocab) continue;
    // `tokenizers` numbers such a token itself, with a mere warning where the file says otherwise.
    if (token.id != num_tokens_) {
      file_.fail(name + " is not in model.vocab and has id " + std::to_string(token.id) +
                 " (need the next free id, " + std::to_string(num_tokens_) + ")");
    }
    highest_allowed_ = std::max<std::size_t>(highest_allowed_, token.id);
    number_token(file_.string_member(JsonObject(entry), "content", "added_tokens"), token.id);
  }
}

AddedToken TokenizerReader::read_added_token(JsonElement entry) const {
  const JsonObject object = file_.object_of(entry, "added_tokens");
  AddedToken token;
  token.text = file_.string_member(object, "content", "added_tokens");
  if (token.text.empty()) file_.fail("added_tokens holds an empty token");
  const std::string name = "added token " + in_quotes(token.text);
  if (!file_.member(object, "special")) file_.fail(name + ": no \"special\" (need true or false)");
  token.special = file_.bool_member(object, "special", false, name);
  token.single_word = file_.bool_member(object, "single_word", false, name);
  token.lstrip = file_.bool_member(object, "lstrip", false, name);
  token.rstrip = file_.bool_member(object, "rstrip", false, name);
  token.normalized = file_.bool_member(object, "normalized", false, name);
  token.id = token_id(file_.member(object, "id"), token.text);
  return token;
}

void TokenizerReader::make_texts() {
  const bool in_bytes = data_->model.unit() == BpeUnit::byte;
  const auto set = [&](std::uint32_t id, std::string_view text) {
    // A token with any character that stands for no byte is plain text to the decoder.
    const auto bytes = in_bytes ? bytes_of_token(text) : std::nullopt;
    data_->texts.set(id, bytes ? std::string_view(*bytes) : text);
  };
  for (std::uint32_t id = 0; id < texts_.size(); ++id) {
    if (!texts_[id].empty()) set(id, texts_[id]);
  }
  std::set<std::string_view> special;
  for (const AddedToken& token : added_) {
    if (token.special) special.insert(token.text);
  }
  for (const AddedToken& token : added_) {
    // The decoder is given the form that was looked for; and special is what reads like a special token.
    const std::string form = looked_for(token);
    if (form != token.text) set(token.id, form);
    if (special.count(form) != 0) data_->texts.set_special(token.id);
  }
}

std::string TokenizerReader::looked_for(const AddedToken& token) const {
  return token.normalized && data_->normalises ? nfc(token.text) : token.text;
}

void TokenizerReader::make_finders() {
  std::map<std::string, std::string> forms;
  for (const AddedToken& token : added_) {
    const std::string form = looked_for(token);
    if (token.normalized) {
      const auto [other, is_new] = forms.emplace(form, token.text);
      if (!is_new) {
        file_.fail("added tokens " + in_quotes(other->second) + " and " + in_quotes(token.text) +
                   " are the same when normalised (need different ones)");
      }
    }
    (token.normalized ? data_->normalised_finder : data_->raw_finder).add(form, token);
  }
  data_->raw_finder.finish();
  data_->normalised_finder.finish();
  data_->added = std::move(added_);
  std::sort(data_->added.begin(), data_->added.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.id < b.id; });
}

void TokenizerReader::check_template_ids() const {
  for (const TemplatePiece& piece : data_->post_processor) {
    for (const std::uint32_t id : piece.ids) {
      if (!data_->texts.has(id)) {
        file_.fail("post_processor adds the token id " + std::to_string(id) + ", which no token has");
      }
    }
  }
}

}  // namespace reckon
