#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "reckon/base/describe.h"

namespace reckon::testing {

enum class Colour { red, deep_blue };
constexpr auto enum_names(Colour) {
  return std::array{EnumName{Colour::red, "red"}, EnumName{Colour::deep_blue, "deep_blue"}};
}

struct Inner {
  double share = 0.5;
  std::vector<std::string> words;
};
template <class Visitor>
void describe(Visitor& visit, Inner& c) {
  visit("share", c.share, between(0, 1), "a share");
  visit("words", c.words, any(), "some words");
}

/// A table with a member of each type that describe.h allows.
struct Item {
  std::string name;
  bool on = false;
  std::int64_t count = 3;
  double rate = 0.1;
  Colour colour = Colour::red;
  std::vector<double> weights = {1.0};
  Inner inner;
  std::vector<Inner> phases;
};
template <class Visitor>
void describe(Visitor& visit, Item& c) {
  visit("name", c.name, required(), "its name");
  visit("on", c.on, any(), "a switch");
  visit("count", c.count, between(1, 9), "a count");
  visit("rate", c.rate, above(0), "a rate");
  visit("colour", c.colour, any(), "red | deep_blue");
  visit("weights", c.weights, at_least(0), "some weights");
  visit("inner", c.inner, any(), "a table");
  visit("phases", c.phases, any(), "an array of tables");
}

struct Settings {
  Inner top;
  std::vector<Item> item;
};
template <class Visitor>
void describe(Visitor& visit, Settings& c) {
  visit("top", c.top, any(), "a table");
  visit("item", c.item, any(), "items");
}

}  // namespace reckon::testing
