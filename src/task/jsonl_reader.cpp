#include <algorithm>
#include <fstream>
#include <initializer_list>
#include <map>

#include "generated_task.h"
#include "reckon/base/error.h"
#include "reckon/grade/extract.h"
#include "reckon/grade/grade.h"
#include "reckon/grade/number.h"
#include "reckon/task/jsonl.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

/// The first of the names that the line has. \throws Error(bad_data) where it has none.
const char* key_of(const nlohmann::json& line, std::initializer_list<const char*> names,
                   const std::string& where) {
  std::string list;
  for (const char* name : names) {
    if (line.contains(name)) return name;
    list += (list.empty() ? "" : " or ") + in_quotes(name);
  }
  throw Error(ExitCode::bad_data, where + ": no " + list + " (need a string of one of these names)");
}

/// Where the brace opened at `open` is closed; escaped braces are none.
std::size_t closing_brace(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '{') {
      ++depth;
    } else if (text[i] == '}' && --depth == 0) {
      return i;
    }
  }
  return kNone;
}

/// Where the last \boxed or \fbox of a text begins.
std::size_t last_box(std::string_view text) {
  const std::size_t boxed = text.rfind("\\boxed");
  const std::size_t fbox = text.rfind("\\fbox");
  if (boxed == kNone || fbox == kNone) return std::min(boxed, fbox);
  return std::max(boxed, fbox);
}

/// What stands in the last box: between its braces, or without a brace up to the next dollar or blank; ""
/// where the brace is never closed.
std::string_view boxed_text(std::string_view solution, std::size_t box) {
  std::string_view rest = solution.substr(box);
  rest.remove_prefix(rest.starts_with("\\fbox") ? 5 : 6);
  rest = trim_blanks(rest);
  if (rest.starts_with('{')) {
    const std::size_t close = closing_brace(rest, 0);
    return close == kNone ? std::string_view() : trim_blanks(rest.substr(1, close - 1));
  }
  return rest.substr(0, rest.find_first_of("$ \t\r\n"));
}

/// GSM8K: a solution, and behind its last #### a number.
void read_marked(JsonlProblem& problem, const std::string& answer, std::size_t mark, GoldCheck check,
                 const std::string& where) {
  problem.gold = trim_blanks(std::string_view(answer).substr(mark + 4));
  ExactNumber number;
  if (check == GoldCheck::graded && parse_number(problem.gold, number) != NumberSyntax::number) {
    throw Error(ExitCode::bad_data,
                where + ": \"" + problem.gold.substr(0, 80) + "\" after #### is not a number (need one)");
  }
  problem.reasoning = trim_blanks(without_calculator_marks(std::string_view(answer).substr(0, mark)));
}

/// The others: the gold is what `key` says, in its last box or as a whole.
void read_plain(JsonlProblem& problem, const nlohmann::json& line, const std::string& key,
                const std::string& where) {
  const std::string& text = json_string(line, key.c_str(), where);
  const std::size_t box = last_box(text);
  if (box != kNone) {
    problem.gold = boxed_text(text, box);
    problem.reasoning = trim_blanks(text);
  } else if (key == "answer") {
    problem.gold = trim_blanks(text);
  } else {
    throw Error(ExitCode::bad_data,
                where + ": \"" + key + "\" has no \\boxed{...} (need the final answer in it)");
  }
  // The answer alone beside a solution: the solution is the reasoning, with a box or without.
  if (key == "answer" && line.contains("solution"))
    problem.reasoning = trim_blanks(json_string(line, "solution", where));
}

void check_gold(const JsonlProblem& problem, GoldCheck check, const std::string& key,
                const std::string& where) {
  if (!problem.gold.empty() &&
      (check == GoldCheck::none || grade_answer(problem.gold, problem.gold) == Grade::equal)) {
    return;
  }
  throw Error(ExitCode::bad_data, where + ": the final answer of \"" + key + "\" is " +
                                      in_quotes(problem.gold.substr(0, 80)) +
                                      ", which cannot be graded (need an answer that equals itself)");
}

JsonlProblem read_problem(const nlohmann::json& line, GoldCheck check, const std::string& where) {
  JsonlProblem problem;
  const char* question_key = key_of(line, {"question", "problem", "prompt"}, where);
  problem.question = json_string(line, question_key, where);
  if (trim_blanks(problem.question).empty())
    throw Error(ExitCode::bad_data, where + ": \"" + question_key + "\" is empty");
  const std::string key = key_of(line, {"answer", "solution"}, where);
  const std::string& answer = json_string(line, key.c_str(), where);
  const std::size_t mark = key == "answer" ? answer.rfind("####") : kNone;
  if (mark != kNone) {
    read_marked(problem, answer, mark, check, where);
  } else {
    read_plain(problem, line, key, where);
    check_gold(problem, check, key, where);
  }
  for (const std::string_view text :
       {std::string_view(answer), std::string_view(problem.question), std::string_view(problem.reasoning)}) {
    if (const std::string_view tag = tag_in(text); !tag.empty()) {
      throw Error(ExitCode::bad_data,
                  where + ": the text holds the tag " + std::string(tag) + ", which marks completions");
    }
  }
  if (check == GoldCheck::graded) return problem;
  nlohmann::json others = line;
  for (const char* used : {question_key, "answer", "solution"}) others.erase(used);
  if (others.contains("gold")) {
    throw Error(
        ExitCode::bad_data,
        where + ": the key \"gold\" (need another name: the program is given the final answer under it)");
  }
  problem.other_keys = others.dump();
  return problem;
}

/// Whether two golds of one question are the same answer.
bool same_gold(const std::string& a, const std::string& b, GoldCheck check) {
  return check == GoldCheck::none ? a == b : grade_answer(a, b) == Grade::equal;
}

}  // namespace

std::string without_calculator_marks(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t open = text.find("<<");
    const std::size_t close = open == std::string_view::npos ? open : text.find(">>", open);
    if (close == std::string_view::npos) break;
    result += text.substr(0, open);
    text.remove_prefix(close + 2);
  }
  return result.append(text);
}

JsonlProblems load_jsonl(const std::filesystem::path& path, GoldCheck check) {
  std::ifstream in(path, std::ios::binary);
  if (!in || std::filesystem::is_directory(path)) {
    throw Error(ExitCode::missing_input, path.string() + ": cannot be read (need a file of JSON lines)");
  }
  JsonlProblems file;
  std::map<std::string, std::size_t> seen;  // question -> place in problems
  std::size_t line = 0;
  read_json_lines(in, path.string(), [&](const nlohmann::json& value, const std::string& where) {
    JsonlProblem problem = read_problem(value, check, where);
    problem.line = ++line;
    const auto [before, is_new] = seen.emplace(problem.question, file.problems.size());
    if (is_new) {
      file.problems.push_back(std::move(problem));
      return;
    }
    const JsonlProblem& first = file.problems[before->second];
    if (!same_gold(first.gold, problem.gold, check)) {
      throw Error(ExitCode::bad_data, where + ": the question of line " + std::to_string(first.line) +
                                          " with gold " + problem.gold + " in place of " + first.gold +
                                          " (need one gold)");
    }
    ++file.num_duplicates;
  });
  if (file.problems.empty())
    throw Error(ExitCode::bad_data, path.string() + ": the file is empty (need a problem a line)");
  return file;
}

}  // namespace reckon
