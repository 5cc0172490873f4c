#include "chain_line.h"

#include <cmath>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/base/sha256.h"
#include "strict_json.h"

namespace reckon {
namespace {

constexpr std::string_view kLinkStart = ",\"link\":\"";
constexpr std::size_t kDigits = 64;

OrderedJson value_json(const ChainEvent::Value& value) {
  return std::visit([](const auto& held) { return OrderedJson(held); }, value);
}

ChainEvent parse_body(std::string_view body, const std::string& where) {
  const OrderedJson json = parse_strict(body, where);
  JsonObject object(json, where);
  ChainEvent event;
  event.event = object.text("event");
  for (const auto& [name, value] : json.items()) {
    if (name == "event") continue;
    if (name == "link") throw Error(ExitCode::bad_data, where + ": \"link\" stands twice (need it once)");
    if (value.is_string()) {
      event.add(name, value.get<std::string>());
    } else if (value.is_number_float()) {
      event.add(name, value.get<double>());
    } else if (value.is_number_integer()) {
      event.add(name, value.get<std::int64_t>());
    } else {
      throw Error(ExitCode::bad_data, where + ": " + in_quotes(name) + " is a JSON " + value.type_name() +
                                          " (need a number or a string)");
    }
  }
  return event;
}

}  // namespace

std::string value_text(const ChainEvent::Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text != nullptr && is_sha256(*text)) return *text;
  return dump_strict(value_json(value), -1, "chain");
}

std::string chain_body(const ChainEvent& event, const std::string& where) {
  OrderedJson line;
  line["event"] = event.event;
  for (const auto& [name, value] : event.values) {
    if (line.contains(name) || name == "link") {
      throw Error(ExitCode::internal,
                  where + ": " + in_quotes(name) + " stands twice (need each name once, and none \"link\")");
    }
    if (const auto* number = std::get_if<double>(&value); number != nullptr && !std::isfinite(*number)) {
      throw Error(ExitCode::internal, where + ": " + in_quotes(name) + " is " + std::to_string(*number) +
                                          " (need a finite number)");
    }
    line[name] = value_json(value);
  }
  return dump_strict(line, -1, where);
}

std::string chain_link(const std::string& before, std::string_view body) {
  Sha256 hash;
  hash.update(before);
  hash.update("\n");
  hash.update(body);
  return hash.hex_digest();
}

std::string chain_text(std::string_view body, const std::string& link) {
  std::string line(body.substr(0, body.size() - 1));  // without the brace that ends it
  line += kLinkStart;
  return line + link + "\"}";
}

ChainReader::ChainReader(std::string_view text, std::string where, std::string link)
    : text_(text), where_(std::move(where)), link_(std::move(link)) {}

std::optional<ChainLine> ChainReader::next() {
  const std::size_t line_end = text_.find('\n', end_);
  if (line_end == std::string_view::npos) return std::nullopt;
  const std::string_view text = text_.substr(end_, line_end - end_);
  const std::string where = where_ + ":" + std::to_string(number_ + 1);
  const std::size_t tail = kLinkStart.size() + kDigits + 2;  // the link, its quote and the brace
  if (text.size() < tail || text.substr(text.size() - tail, kLinkStart.size()) != kLinkStart ||
      !text.ends_with("\"}")) {
    throw Error(ExitCode::bad_data,
                where + ": no line of a chain (need a JSON object that ends with its \"link\")");
  }
  const std::string body = std::string(text.substr(0, text.size() - tail)) + "}";
  const std::string found(text.substr(text.size() - kDigits - 2, kDigits));
  ChainEvent event = parse_body(body, where);
  const std::string link = chain_link(link_, body);
  if (found != link) {
    throw Error(ExitCode::bad_data,
                where + ": the link is " + in_quotes(found) + " (need " + in_quotes(link) +
                    ", which this line and the link before it make). This line was changed, or "
                    "one was dropped, added or moved here.");
  }
  if (chain_body(event, where) != body) {
    throw Error(ExitCode::bad_data, where + ": the line is not written as reckon writes it");
  }
  link_ = link;
  end_ = line_end + 1;
  return ChainLine{std::move(event), link, ++number_, end_};
}

}  // namespace reckon
