#include <algorithm>
#include <array>
#include <optional>

#include "generated_task.h"
#include "grid_answer.h"
#include "grid_spec.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"
#include "search_cursor.h"

namespace reckon {
namespace {

struct Level {
  int num_vertices = 0;
  int num_colours = 0;
  int num_edges = 0;
  std::uint64_t distinct = 0;  ///< by exhaustion; 0: far too many to count
};
/// Level 1 has the graphs of all but two of ten pairs. From level 4 on a vertex has 4.6 neighbours: about
/// where graphs stop being 3-colourable, and a greedy choice of colours fails.
constexpr std::array kLevels = {Level{5, 4, 8, 45}, Level{7, 3, 13, 0}, Level{10, 3, 22, 0},
                                Level{14, 3, 32, 0}, Level{20, 3, 46, 0}};
constexpr int kMaxVertices = 200;
constexpr int kMaxEdges = 20'000;
constexpr int kMaxColours = 100;

/// Two vertices, from 1, the smaller first in generated graphs.
using Edge = std::array<int, 2>;

std::size_t at(int index) {
  return static_cast<std::size_t>(index);
}

/// Reads {"1": 2, "2": 1}, quotes left out or not, and nothing else. \return [vertex] its colour, 0 for
/// vertex 0; nothing where the text is not that, or does not give each vertex up to num_vertices once.
std::optional<std::vector<int>> read_colours(std::string_view text, int num_vertices) {
  SearchCursor cursor(text);
  const auto read_number = [&] {
    const bool quoted = cursor.take("\"");
    const int value = cursor.number();
    return quoted && !cursor.take("\"") ? -1 : value;
  };
  std::vector<int> colours(at(num_vertices + 1));
  if (!cursor.take("{")) return std::nullopt;
  for (int count = 0; count < num_vertices; ++count) {
    if (count > 0 && !cursor.take(",")) return std::nullopt;
    const int vertex = read_number();
    if (vertex < 1 || vertex > num_vertices || colours[at(vertex)] != 0 || !cursor.take(":"))
      return std::nullopt;
    colours[at(vertex)] = read_number();
    if (colours[at(vertex)] < 1) return std::nullopt;
  }
  if (!cursor.take("}") || !cursor.at_end()) return std::nullopt;
  return colours;
}

std::string colours_text(const std::vector<int>& colours) {
  std::string text;
  for (std::size_t vertex = 1; vertex < colours.size(); ++vertex) {
    text +=
        (vertex == 1 ? "{\"" : ", \"") + std::to_string(vertex) + "\": " + std::to_string(colours[vertex]);
  }
  return text + "}";
}

/// Colours in classes as equal as can be; the colours in the order in which vertices first have them.
std::vector<int> planted_colours(const Level& level, RandomStream& random) {
  const std::vector<int> order = random_order(level.num_vertices, random);
  std::vector<int> names(at(level.num_colours));
  std::vector<int> colours(at(level.num_vertices + 1));
  int num_named = 0;
  for (int vertex = 1; vertex <= level.num_vertices; ++vertex) {
    int& name = names[at(order[at(vertex - 1)] % level.num_colours)];
    if (name == 0) name = ++num_named;
    colours[at(vertex)] = name;
  }
  return colours;
}

std::vector<Edge> random_edges(const Level& level, const std::vector<int>& colours, RandomStream& random) {
  std::vector<Edge> pairs;
  for (int a = 1; a <= level.num_vertices; ++a) {
    for (int b = a + 1; b <= level.num_vertices; ++b) {
      if (colours[at(a)] != colours[at(b)]) pairs.push_back({a, b});
    }
  }
  std::vector<int> order = random_order(static_cast<int>(pairs.size()), random);
  order.resize(at(level.num_edges));
  std::sort(order.begin(), order.end());
  std::vector<Edge> edges;
  for (const int pair : order) edges.push_back(pairs[at(pair)]);
  return edges;
}

class GraphColouringTask final : public GeneratedTask {
 public:
  using GeneratedTask::GeneratedTask;

  [[nodiscard]] TaskKind kind() const override { return TaskKind::graph_colouring; }
  [[nodiscard]] std::vector<std::int64_t> levels() const override { return {1, 2, 3, 4, 5}; }
  [[nodiscard]] std::string alphabet() const override { return english_alphabet(); }

  [[nodiscard]] Grade grade(std::string_view spec, std::string_view answer) const override {
    const GridSpec rules(kind(), spec);
    const int num_vertices = rules.integer("vertices", {1, kMaxVertices});
    const int num_colours = rules.integer("colours", {1, kMaxColours});
    const std::vector<Edge> edges = read_edges(rules, num_vertices);
    if (trim_blanks(answer).empty()) return Grade::no_answer;
    const auto colours = read_colours(answer, num_vertices);
    if (!colours) return Grade::different;
    if (*std::max_element(colours->begin(), colours->end()) > num_colours) return Grade::different;
    const bool proper = std::all_of(edges.begin(), edges.end(), [&](const Edge& edge) {
      return (*colours)[at(edge[0])] != (*colours)[at(edge[1])];
    });
    return proper ? Grade::equal : Grade::different;
  }

  /// The solution with one end of the first edge in the colour of the other.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    const GridSpec rules(kind(), problem.spec);
    const int num_vertices = rules.integer("vertices", {1, kMaxVertices});
    const Edge edge = read_edges(rules, num_vertices)[0];
    std::vector<int> colours = *read_colours(problem.answer, num_vertices);
    colours[at(edge[1])] = colours[at(edge[0])];
    return colours_text(colours);
  }

  [[nodiscard]] std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    check_level(*this, level);
    const std::uint64_t distinct = kLevels.at(static_cast<std::size_t>(level - 1)).distinct;
    return distinct == 0 ? std::nullopt : std::optional(distinct);
  }

 protected:
  [[nodiscard]] Draft draw(std::int64_t level_number, RandomStream& random) const override {
    const Level& level = kLevels.at(static_cast<std::size_t>(level_number - 1));
    const std::vector<int> colours = planted_colours(level, random);
    return make_draft(level, random_edges(level, colours, random), colours);
  }

 private:
  static std::vector<Edge> read_edges(const GridSpec& rules, int num_vertices) {
    std::vector<Edge> edges;
    for (const auto& edge : rules.rows("edges", {1, kMaxEdges}, {2, 2}, {1, num_vertices})) {
      edges.push_back({edge[0], edge[1]});
    }
    return edges;
  }

  static Draft make_draft(const Level& level, const std::vector<Edge>& edges,
                          const std::vector<int>& colours) {
    std::string list;
    for (const Edge& edge : edges) {
      list += (list.empty() ? "" : ", ") + std::to_string(edge[0]) + "-" + std::to_string(edge[1]);
    }
    Draft draft;
    draft.prompt =
        "A graph has the vertices 1 to " + std::to_string(level.num_vertices) + " and the edges " + list +
        ". Give each vertex one of the colours 1 to " + std::to_string(level.num_colours) +
        " so that the two ends of every edge have different colours.\n"
        "Answer with a JSON object from all vertices to their colours, in the form {\"1\": 2, \"2\": 1}.";
    draft.spec =
        nlohmann::json{{"vertices", level.num_vertices}, {"colours", level.num_colours}, {"edges", edges}}
            .dump();
    draft.answer = colours_text(colours);
    for (int vertex = 1; vertex <= level.num_vertices; ++vertex) {
      std::string neighbours;
      for (const Edge& edge : edges) {
        if (edge[1] != vertex) continue;
        neighbours += (neighbours.empty() ? " differs from " : ", ") + std::to_string(edge[0]) + " (" +
                      std::to_string(colours[at(edge[0])]) + ")";
      }
      draft.steps +=
          std::to_string(vertex) + ": colour " + std::to_string(colours[at(vertex)]) + neighbours + "\n";
    }
    draft.steps += "Every edge has two colours.";
    return draft;
  }
};

}  // namespace

std::unique_ptr<Task> make_graph_colouring_task(std::string name) {
  return std::make_unique<GraphColouringTask>(std::move(name));
}

}  // namespace reckon
