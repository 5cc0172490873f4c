// Speed of the grader on one core: whole completions, answers of the kinds of MATH, and the worst inputs
// known.
//   grade_bench                the benchmarks; items_per_second are pairs
//   grade_bench --worst        a table of the worst inputs
//   grade_bench --write=FOLDER completions.jsonl and answers.jsonl: {gold, pred, expected} lines
//   grade_bench --grade=FILE   grades such lines as `reckon grade` does: {grade, micros} lines; the time of
//   all
//                              pairs, without reading and writing, goes to standard error
#include <benchmark/benchmark.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "grade_pairs.h"
#include "reckon/grade/extract.h"
#include "reckon/grade/find_answer.h"
#include "reckon/grade/grade.h"
#include "support/math_answers.h"

namespace reckon::bench {
namespace {

using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kNumPairs = 2000;

/// Runs over the pairs, one an iteration, and counts them.
template <class Work>
void run_pairs(benchmark::State& state, const std::vector<GradePair>& pairs, Work work) {
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(work(at));
    if (++at == pairs.size()) at = 0;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

/// As in training: the answer behind the thinking, against a gold that was read before.
void extract_and_grade(benchmark::State& state, std::string_view form) {
  const auto pairs = completions(form, kNumPairs);
  std::vector<GoldAnswer> golds;
  for (const GradePair& pair : pairs) golds.emplace_back(pair.gold);
  run_pairs(state, pairs,
            [&](std::size_t i) { return golds[i].grade(extract_answer(pairs[i].pred).answer).grade; });
}

/// As in evaluation: the answer is searched in the text, and the gold is read each time.
void find_and_grade(benchmark::State& state, std::string_view form) {
  const auto pairs = completions(form, kNumPairs);
  run_pairs(state, pairs, [&](std::size_t i) {
    return GoldAnswer(pairs[i].gold).grade(find_answer(pairs[i].pred).text).grade;
  });
}

void grade_answers(benchmark::State& state, const std::vector<GradePair>& pairs) {
  run_pairs(state, pairs,
            [&](std::size_t i) { return GoldAnswer(pairs[i].gold).grade(pairs[i].pred).grade; });
}

/// Each gold is read once, as in a group of completions.
void grade_read_golds(benchmark::State& state, const std::vector<GradePair>& pairs) {
  std::vector<GoldAnswer> golds;
  for (const GradePair& pair : pairs) golds.emplace_back(pair.gold);
  run_pairs(state, pairs, [&](std::size_t i) { return golds[i].grade(pairs[i].pred).grade; });
}

void register_benchmarks() {
  const auto name = [](std::string_view what, std::string_view of) {
    return std::string(what) + "/" + std::string(of);
  };
  benchmark::RegisterBenchmark("extract_and_grade/tags", extract_and_grade, "tags");
  for (const std::string_view form : completion_forms()) {
    benchmark::RegisterBenchmark(name("find_and_grade", form).c_str(), find_and_grade, form);
  }
  benchmark::RegisterBenchmark("answers/as_math_has_them", grade_answers, math_answers(kNumPairs));
  benchmark::RegisterBenchmark("answers/golds_read_before", grade_read_golds, math_answers(kNumPairs));
  for (const auto& kind : testing::answer_kinds()) {
    benchmark::RegisterBenchmark(name("answers", kind.name).c_str(), grade_answers,
                                 math_answers(kind.name, 500));
  }
}

void write_pairs(const std::filesystem::path& path, const std::vector<GradePair>& pairs) {
  std::ofstream out(path);
  for (const GradePair& pair : pairs) {
    out << ordered_json{{"gold", pair.gold}, {"pred", pair.pred}, {"expected", pair.right}}.dump() << "\n";
  }
}

int write_files(const std::filesystem::path& folder) {
  std::vector<GradePair> texts;
  for (const std::string_view form : completion_forms()) {
    for (GradePair& pair : completions(form, kNumPairs / completion_forms().size()))
      texts.push_back(std::move(pair));
  }
  write_pairs(folder / "completions.jsonl", texts);
  write_pairs(folder / "answers.jsonl", math_answers(kNumPairs));
  return 0;
}

Grade grade_texts(const std::string& gold, const std::string& pred) {
  return GoldAnswer(find_answer(gold).text).grade(find_answer(pred).text).grade;
}

Grade grade_as_they_stand(const std::string& gold, const std::string& pred) {
  return GoldAnswer(gold).grade(pred).grade;
}

int grade_file(const std::string& path, Grade (*grade)(const std::string&, const std::string&)) {
  std::ifstream in(path);
  if (!in) {
    std::cerr << "grade_bench: cannot open " << path << "\n";
    return 66;
  }
  std::vector<ordered_json> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(ordered_json::parse(line));
  double seconds = 0;
  for (const ordered_json& line : lines) {
    const auto& gold = line["gold"].get_ref<const std::string&>();
    const auto& pred = line["pred"].get_ref<const std::string&>();
    const auto start = Clock::now();
    const Grade result = grade(gold, pred);
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    seconds += elapsed;
    std::cout << ordered_json{{"grade", enum_name(result)}, {"micros", 1e6 * elapsed}}.dump() << "\n";
  }
  std::cerr << seconds << "\n";
  return 0;
}

int run(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const std::string value = argument.substr(std::min(argument.find('=') + 1, argument.size()));
    if (argument.starts_with("--write=")) return write_files(value);
    if (argument.starts_with("--grade=")) return grade_file(value, grade_texts);
    if (argument.starts_with("--answers=")) return grade_file(value, grade_as_they_stand);
    if (argument == "--worst") {
      print_worst_cases();
      return 0;
    }
  }
  register_benchmarks();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace reckon::bench

int main(int argc, char** argv) {
  return reckon::bench::run(argc, argv);
}
