// Time to parse an answer: parse_bench, see CMakeLists.txt.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "grade/parse_answer.h"

namespace {

void parse(benchmark::State& state, std::string_view text) {
  for (auto _ : state) {
    const reckon::ParsedAnswer answer = reckon::parse_answer(text);
    benchmark::DoNotOptimize(answer.expr.op);
  }
  state.SetLabel(reckon::parse_answer(text).reason);  // why it was refused
}

void integer(benchmark::State& state) {
  parse(state, "42");
}
void fraction(benchmark::State& state) {
  parse(state, "\\frac{3}{56}");
}
void point(benchmark::State& state) {
  parse(state, "\\left( \\frac{3}{5}, \\frac{8}{3} \\right)");
}
void surd(benchmark::State& state) {
  parse(state, "\\frac{108 + 31\\sqrt{5}}{216}");
}
void polynomial(benchmark::State& state) {
  parse(state, "6r^2-4r-24");
}
void text(benchmark::State& state) {
  parse(state, "\\text{no solution}");
}
void unicode(benchmark::State& state) {
  parse(state, "x ≤ 5√3");
}

/// Answers of the kinds and lengths of MATH, one after the other: items are answers.
void mixture(benchmark::State& state) {
  constexpr std::array<std::string_view, 12> kAnswers = {"2",
                                                         "-7",
                                                         "144",
                                                         "1,024",
                                                         "\\frac{9}{256}",
                                                         "3\\sqrt{13}",
                                                         "(6,31,-1)",
                                                         "x^2-4x+7",
                                                         "0.35625",
                                                         "(-\\infty, -2) \\cup (2, \\infty)",
                                                         "\\begin{pmatrix} 2 \\\\ -3 \\end{pmatrix}",
                                                         "12\\text{ cm}^2"};
  for (auto _ : state) {
    for (const std::string_view answer : kAnswers)
      benchmark::DoNotOptimize(reckon::parse_answer(answer).status);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kAnswers.size()));
}

/// The longest hostile texts that are looked at.
void bomb(benchmark::State& state) {
  const std::array<std::string, 3> bombs = {std::string(1000, '{'), std::string(1000, '-'),
                                            std::string(1000, '1')};
  parse(state, bombs.at(static_cast<std::size_t>(state.range(0))));
}

BENCHMARK(integer);
BENCHMARK(fraction);
BENCHMARK(point);
BENCHMARK(surd);
BENCHMARK(polynomial);
BENCHMARK(text);
BENCHMARK(unicode);
BENCHMARK(mixture);
BENCHMARK(bomb)->DenseRange(0, 2);

}  // namespace

BENCHMARK_MAIN();
