#include "safetensors_header.h"

#include <nlohmann/json.hpp>
#include <set>

#include "json_text.h"
#include "reckon/base/error.h"

namespace reckon {
namespace {

/// Reads the header token by token: a parsed document would hide double names (the last wins), turn -3
/// and 1.9 into whole numbers, and cost memory for whatever an evil header nests.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit HeaderReader(std::string where) : where_(std::move(where)) {}

  HeaderContent content;

  bool start_object(std::size_t) override {
    if (depth_ > 1) fail(place() + " holds an object");
    if (depth_++ == 1) {
      in_metadata_ = key_ == kMetadataKey;
      if (!in_metadata_) content.entries.push_back({.name = key_, .dtype = {}, .shape = {}, .offsets = {}});
      keys_of_entry_.clear();
    }
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool key(std::string& name) override {
    auto& seen = depth_ == 1 ? names_ : keys_of_entry_;
    if (!seen.insert(name).second) {
      fail(depth_ == 1 ? "tensor " + shown(name) + " is described twice"
                       : place() + ": key " + shown(name) + " stands twice");
    }
    if (depth_ == 2 && !in_metadata_ && name != "dtype" && name != "shape" && name != "data_offsets") {
      fail(place() + ": unknown key " + shown(name) + " (need dtype, shape and data_offsets)");
    }
    (depth_ == 1 ? key_ : field_) = name;
    return true;
  }
  bool string(std::string& value) override {
    if (depth_ == 2 && in_metadata_) {
      content.metadata[field_] = value;
    } else if (depth_ == 2 && field_ == "dtype") {
      content.entries.back().dtype = value;
    } else {
      wrong_type(shown(value));
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || field_ == "dtype") wrong_type("an array");
    ++depth_;
    list() = std::vector<std::uint64_t>{};
    return true;
  }
  bool end_array() override {
    --depth_;
    return true;
  }
  bool number_unsigned(std::uint64_t value) override {
    if (depth_ != 3) wrong_type(std::to_string(value));
    list()->push_back(value);
    return true;
  }
  bool number_integer(std::int64_t value) override { return wrong_type(std::to_string(value)); }
  bool number_float(double, const std::string& text) override { return wrong_type(text.substr(0, 40)); }
  bool null() override { return wrong_type("null"); }
  bool boolean(bool value) override { return wrong_type(value ? "true" : "false"); }
  bool binary(nlohmann::json::binary_t&) override { return wrong_type("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception& error) override {
    const bool utf8 = std::string_view(error.what()).find("UTF-8") != std::string_view::npos;
    fail(std::string("the header is not ") + (utf8 ? "UTF-8 text" : "JSON") + " at its byte " +
         std::to_string(position));
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ExitCode::bad_data, where_ + ": " + what);
  }

  bool wrong_type(const std::string& value) const {
    if (depth_ < 2) fail(place() + " is " + value + " (need an object)");
    if (in_metadata_) fail("__metadata__: key " + shown(field_) + " is " + value + " (need text)");
    if (field_ == "dtype") fail(place() + ": dtype is " + value + " (need text)");
    fail(place() + ": " + field_ + " holds " + value + " (need a list of whole numbers, 0 or more)");
  }
  [[nodiscard]] std::string place() const {
    if (depth_ == 0) return "the header";
    return key_ == kMetadataKey ? key_ : "tensor " + shown(key_);
  }
  std::optional<std::vector<std::uint64_t>>& list() {
    return field_ == "shape" ? content.entries.back().shape : content.entries.back().offsets;
  }

  std::string where_;
  int depth_ =
      0;  // 0 outside, 1 in the header's object, 2 in a tensor's or in __metadata__, 3 in a list of a tensor
  bool in_metadata_ = false;
  std::string key_;    // at depth 1
  std::string field_;  // at depth 2
  std::set<std::string> names_;
  std::set<std::string> keys_of_entry_;
};

}  // namespace

HeaderContent read_header(std::string_view json, const std::string& where) {
  HeaderReader reader(where);
  nlohmann::json::sax_parse(json.begin(), json.end(), &reader);
  return std::move(reader.content);
}

}  // namespace reckon
