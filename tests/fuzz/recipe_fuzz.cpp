// Any bytes as a recipe and, each behind a NUL, overrides of it.
#include <set>
#include <string>
#include <vector>

#include "app/recipe.h"
#include "reckon/recipe/writer.h"
#include "refusals.h"

namespace reckon::fuzz {
namespace {

/// Every setting with its value, and nothing of where it came from.
std::string values_of(const Recipe& recipe) {
  return resolved_toml(recipe, TomlDocument{});
}

void check_order(const Recipe& recipe) {
  const auto order = run_order(recipe);
  require(order.size() == recipe.stage.size(), "every stage runs");
  std::set<std::string> ready = {"model"};
  for (const std::size_t i : order) {
    require(ready.contains(recipe.stage.at(i).from), "a stage runs after the one it starts from");
    require(ready.insert(recipe.stage[i].name).second, "no two stages have a name");
  }
}

void check_recipe_text(std::string_view text, const std::vector<std::string>& overrides) {
  const auto recipe = accepted(
      ExitCode::usage, "r.toml:", [&] { return parse_recipe(text, "r.toml", overrides); }, true);
  if (!recipe) return;
  check_order(*recipe);
  const std::string resolved = resolved_text(*recipe);
  if (resolved.size() > kMaxRecipeBytes) return;  // a recipe of very many stages
  const Recipe again = parse_recipe(resolved, "resolved.toml", {});
  require(values_of(again) == values_of(*recipe), "a resolved recipe has the values of the recipe");
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest = reckon::fuzz::text_of(data, size);
  std::vector<std::string_view> parts;
  while (parts.size() < 8) {
    const std::size_t nul = rest.find('\0');
    parts.push_back(rest.substr(0, nul));
    if (nul == std::string_view::npos) break;
    rest.remove_prefix(nul + 1);
  }
  reckon::fuzz::check_recipe_text(parts[0], {parts.begin() + 1, parts.end()});
  return 0;
}
