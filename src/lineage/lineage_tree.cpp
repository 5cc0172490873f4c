#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "reckon/lineage/lineage.h"
#include "shown_text.h"

namespace reckon {
namespace {

constexpr std::size_t kHashDigits = 12;
/// What is left for words where the tree is as deep as the terminal is wide.
constexpr std::size_t kLeastColumns = 24;

/// Columns on a terminal: code points.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string short_hash(const std::string& hash) {
  return hash.substr(0, kHashDigits);
}

std::string joined(const std::vector<std::string>& parts, const char* between) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : between) + part;
  return text;
}

std::string results_text(const std::vector<LineageResult>& results) {
  std::vector<std::string> parts;
  for (const LineageResult& result : results) {
    char number[32];
    std::snprintf(number, sizeof number, "%.3f", result.pass_at_1);
    parts.push_back(shown_text(result.task) + " " + number + " (n " + std::to_string(result.n) + ")");
  }
  return "pass@1 " + joined(parts, ", ");
}

std::string stage_text(const LineageStage& stage) {
  std::vector<std::string> parts = {shown_text(stage.kind),
                                    std::to_string(stage.steps) + (stage.steps == 1 ? " step" : " steps")};
  std::vector<std::string> tasks;
  for (const std::string& task : stage.tasks) tasks.push_back(shown_text(task));
  if (!tasks.empty()) parts.push_back("on " + joined(tasks, " and "));
  parts.push_back("weights " + short_hash(stage.weights_after));
  return shown_text(stage.name) + ": " + joined(parts, ", ");
}

std::string base_text(const LineageBase& base, bool has_parent) {
  std::string text =
      base.path.empty() ? "random weights (" + shown_text(base.init) + ")" : shown_text(base.path);
  if (has_parent) text += " (of the run above)";
  text += ", weights " + short_hash(base.weights_sha256);
  if (!base.tokenizer_sha256.empty()) text += ", tokenizer " + short_hash(base.tokenizer_sha256);
  return std::string(kBaseModel) + ": " + text;
}

std::string data_text(const LineageData& data) {
  std::string text = "data " + shown_text(data.task) + ": " + shown_text(data.kind);
  if (data.sources.empty()) return text + ", generated";
  for (const LineageSource& source : data.sources) {
    text += ", " + shown_text(source.file) + " " + short_hash(source.sha256);
  }
  return text;
}

/// Draws one run's tree.
class Tree {
 public:
  Tree(const Lineage& lineage, std::size_t width) : lineage_(lineage), width_(width) {}

  std::string draw() {
    add("", "",
        "run " + shown_text(lineage_.run) + ", " + shown_text(lineage_.program) + ", recipe " +
            short_hash(lineage_.recipe_sha256) + ", chain " + short_hash(lineage_.head));
    for (const LineageData& data : lineage_.data) add("├─ ", "│  ", data_text(data));
    add_node("", true, std::string(kBaseModel), base_text(lineage_.base, lineage_.parent != nullptr), {});
    return text_;
  }

 private:
  /// Adds a line; broken between words where it is too long, the rest further in.
  void add(const std::string& first, const std::string& others, const std::string& text) {
    const std::size_t columns = std::max(width_, width_of(first) + kLeastColumns);
    std::string line = first;
    bool empty = true;  // of words
    for (std::size_t start = 0; start <= text.size();) {
      const std::size_t end = std::min(text.find(' ', start), text.size());
      const std::string word = text.substr(start, end - start);
      if (!empty && width_of(line) + 1 + width_of(word) > columns) {
        text_ += line + "\n";
        line = others + "  ";
        empty = true;
      }
      line += (empty ? "" : " ") + word;
      empty = false;
      start = end + 1;
    }
    text_ += line + "\n";
  }

  /// Adds weights: what they are, how they do, and the stages that start from them.
  void add_node(const std::string& margin, bool last, const std::string& name, const std::string& text,
                const std::vector<LineageResult>& results) {
    std::vector<const LineageStage*> evaluations, children;
    for (const LineageStage& stage : lineage_.stages) {
      if (stage.from == name) (stage.weights_after.empty() ? evaluations : children).push_back(&stage);
    }
    const std::string inner = margin + (last ? "   " : "│  ");
    const std::string beside = inner + (children.empty() ? "   " : "│  ");
    add(margin + (last ? "└─ " : "├─ "), beside, text);
    if (!results.empty()) add(beside, beside, results_text(results));
    for (const LineageStage* evaluation : evaluations) {
      add(beside, beside,
          shown_text(evaluation->name) + ": " +
              (evaluation->results.empty() ? "no result" : results_text(evaluation->results)));
    }
    for (const LineageStage* child : children) {
      add_node(inner, child == children.back(), child->name, stage_text(*child), child->results);
    }
  }

  const Lineage& lineage_;
  std::size_t width_;
  std::string text_;
};

}  // namespace

std::string lineage_tree(const Lineage& lineage, std::size_t width) {
  std::string text;
  if (lineage.parent) text = lineage_tree(*lineage.parent, width);
  return text + Tree(lineage, width).draw();
}

}  // namespace reckon
