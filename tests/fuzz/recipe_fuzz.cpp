// Any bytes as a recipe and, each behind a NUL, overrides of it.
#include <algorithm>
#include <optional>
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

/// A line for each problem, which begins with where it is.
void check_problems(std::string_view problems) {
  check_message(problems, "", true);
  while (!problems.empty()) {
    const std::string_view line = problems.substr(0, problems.find('\n'));
    require(line.starts_with("r.toml:") || line.starts_with("--set "), "a problem has its place");
    problems.remove_prefix(std::min(line.size() + 1, problems.size()));
  }
}

/// Nothing where it is refused.
std::optional<Recipe> parsed(std::string_view text, const std::vector<std::string>& overrides) {
  try {
    return parse_recipe(text, "r.toml", overrides);
  } catch (const Error& error) {
    require(error.code() == ExitCode::usage, "a bad recipe is an error of its user");
    check_problems(error.what());
    return std::nullopt;
  }
}

void check_recipe_text(std::string_view text, const std::vector<std::string>& overrides) {
  const auto recipe = parsed(text, overrides);
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
