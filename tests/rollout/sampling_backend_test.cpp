#include "reckon/rollout/sampling_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include "reckon/ops/token_logprob.h"
#include "reckon/rollout/sampler.h"
#include "support/logits.h"
#include "support/tiny_model.h"

namespace reckon {
namespace {

using Ids = std::vector<std::uint32_t>;

constexpr double kTemperature = 0.8;

SampleKey key_of(std::uint32_t sample) {
  return {.seed = 7, .stage = 1, .prompt_id = 5, .visit = 0, .sample_index = sample};
}

/// A backend behind one pass over a sequence: row i has seen tokens 0 to i.
class SamplingBackendTest : public ::testing::Test {
 protected:
  std::unique_ptr<Decoder> model = testing::tiny_model(1, 11, true, 0.4);
  std::unique_ptr<SamplingBackend> backend = make_cpu_sampling_backend(*model);
  const Ids ids = [] {
    Ids made;
    for (std::uint32_t i = 0; i < 50; ++i) made.push_back(i * i % 11);
    return made;
  }();

  void SetUp() override { run(ids); }

  void run(const Ids& tokens) {
    backend->reset_cache(8);
    const std::int32_t slot = backend->cache().open(static_cast<std::int64_t>(tokens.size()));
    PackedRows rows;
    for (std::size_t i = 0; i < tokens.size(); ++i) rows.add(tokens[i], slot, static_cast<std::int32_t>(i));
    backend->forward(rows);
  }

  /// What sample_token() and argmax() make of the model's own logits.
  [[nodiscard]] SampledToken expected(std::size_t row, std::uint32_t sample, std::uint32_t position,
                                      Decoding decoding = Decoding::sample) const {
    const std::vector<float> all = testing::all_logits(*model, ids);
    const std::span<const float> logits = std::span(all).subspan(row * 11, 11);
    if (decoding == Decoding::sample) return sample_token(logits, kTemperature, key_of(sample), position);
    SampledToken token;
    token.token_id = argmax(logits);
    token_logprob(logits, {&token.token_id, 1}, static_cast<float>(kTemperature), {&token.logprob, 1});
    return token;
  }

  [[nodiscard]] std::vector<SampledToken> choose(const std::vector<TokenChoice>& choices,
                                                 Decoding decoding = Decoding::sample) {
    std::vector<SampledToken> tokens(choices.size());
    backend->choose(choices, kTemperature, decoding, tokens);
    return tokens;
  }
};

void expect_equal(const SampledToken& actual, const SampledToken& expected) {
  EXPECT_EQ(actual.token_id, expected.token_id);
  EXPECT_EQ(actual.logprob, expected.logprob);  // every bit
}

// Kept rows many times, rows that follow each other, rows that do not, one after the other.
TEST_F(SamplingBackendTest, ChoicesInAnyOrderAreThoseOfEachRowAlone) {
  backend->keep(49, 0);
  backend->keep(17, 1);
  const std::vector<TokenChoice> choices{
      {1, true, key_of(0), 0},  {1, true, key_of(1), 0},  {0, true, key_of(2), 0},  {3, false, key_of(3), 9},
      {4, false, key_of(4), 2}, {5, false, key_of(5), 3}, {5, false, key_of(6), 4}, {2, false, key_of(7), 1},
      {0, true, key_of(8), 0},  {0, true, key_of(9), 1}};
  const std::size_t rows[] = {17, 17, 49, 3, 4, 5, 5, 2, 49, 49};
  for (const Decoding decoding : {Decoding::sample, Decoding::greedy}) {
    const std::vector<SampledToken> tokens = choose(choices, decoding);
    for (std::size_t i = 0; i < choices.size(); ++i) {
      SCOPED_TRACE(i);
      expect_equal(tokens[i], expected(rows[i], choices[i].key.sample_index, choices[i].position, decoding));
    }
  }
}

// More rows than have logits at once.
TEST_F(SamplingBackendTest, RowsAreChosenInPiecesWithoutAnEdge) {
  Ids tokens = ids;
  backend->reset_cache(40);
  PackedRows rows;
  for (int copy = 0; copy < 3; ++copy) {
    const std::int32_t slot = backend->cache().open(50);
    for (std::size_t i = 0; i < 50; ++i) rows.add(tokens[i], slot, static_cast<std::int32_t>(i));
  }
  backend->forward(rows);
  std::vector<TokenChoice> choices;
  for (std::uint32_t i = 0; i < 150; ++i) choices.push_back({i, false, key_of(i), i});
  const std::vector<SampledToken> chosen = choose(choices);
  for (const std::uint32_t i : {0u, 62u, 63u, 64u, 65u, 127u, 128u, 129u, 149u}) {
    SCOPED_TRACE(i);
    expect_equal(chosen[i], expected(i % 50, i, i));
  }
}

TEST_F(SamplingBackendTest, AKeptRowOutlivesPassesUntilAnotherIsKeptInItsPlace) {
  backend->keep(20, 3);
  PackedRows rows;
  rows.add(4, backend->cache().open(1), 0);
  backend->forward(rows);
  expect_equal(choose({{3, true, key_of(1), 6}})[0], expected(20, 1, 6));
  run(ids);
  backend->keep(31, 3);
  expect_equal(choose({{3, true, key_of(1), 6}})[0], expected(31, 1, 6));
}

TEST_F(SamplingBackendTest, RefusesRowsAndPlacesThatAreNotThere) {
  const auto error_of = [](const std::function<void()>& call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  backend->keep(20, 3);
  EXPECT_EQ(error_of([&] { backend->keep(50, 0); }), "SamplingBackend: row 50 of a pass of 50");
  EXPECT_EQ(error_of([&] { backend->keep(-1, 0); }), "SamplingBackend: row -1 of a pass of 50");
  EXPECT_EQ(error_of([&] { backend->keep(0, -1); }), "SamplingBackend::keep: place -1");
  EXPECT_EQ(error_of([&] {
              (void)choose({{2, true, {}, 0}});
            }),
            "SamplingBackend: no row is kept at place 2");
  EXPECT_EQ(error_of([&] {
              (void)choose({{49, false, {}, 0}, {50, false, {}, 0}});
            }),
            "SamplingBackend: row 49 of a pass of 50");
  std::vector<SampledToken> none;
  const TokenChoice choice;
  EXPECT_EQ(error_of([&] {
              backend->choose({&choice, 1}, 1.0, Decoding::sample, none);
            }),
            "SamplingBackend::choose: 1 choices, room for 0 tokens");
  backend->reset_cache(8);
  EXPECT_EQ(error_of([&] {
              (void)choose({{3, true, {}, 0}});
            }),
            "SamplingBackend: no row is kept at place 3");
}

TEST_F(SamplingBackendTest, TheCacheIsOfTheWeightsAsTheyAre) {
  EXPECT_EQ(backend->bytes_per_block(),
            2 * 2 * 2 * 16 * 16 * 4);  // layers, k and v, heads, dim, lanes, float32
  const std::uint64_t before = backend->cache().version(0);
  model->repack();
  backend->reset_cache(3);
  EXPECT_EQ(backend->cache().version(backend->cache().open(1)), before + 1);
  EXPECT_EQ(backend->cache().num_blocks(), 3);
}

/// Counts what a sampler asks of a backend on its way to it.
class CountingBackend : public SamplingBackend {
 public:
  struct Counts {
    std::size_t passes = 0, calls = 0, largest_place = 0;
  };
  CountingBackend(std::unique_ptr<SamplingBackend> behind, Counts& counts)
      : behind_(std::move(behind)), counts_(counts) {}
  [[nodiscard]] const DecoderConfig& config() const override { return behind_->config(); }
  void reset_cache(std::int64_t num_blocks) override { behind_->reset_cache(num_blocks); }
  [[nodiscard]] KvBlocks& cache() override { return behind_->cache(); }
  [[nodiscard]] std::int64_t bytes_per_block() const override { return behind_->bytes_per_block(); }
  void forward(const PackedRows& rows) override {
    ++counts_.passes;
    behind_->forward(rows);
  }
  void keep(std::int64_t row, std::int64_t place) override {
    counts_.largest_place = std::max(counts_.largest_place, static_cast<std::size_t>(place));
    behind_->keep(row, place);
  }
  void choose(std::span<const TokenChoice> choices, double temperature, Decoding decoding,
              std::span<SampledToken> tokens) override {
    ++counts_.calls;
    behind_->choose(choices, temperature, decoding, tokens);
  }

 private:
  std::unique_ptr<SamplingBackend> behind_;
  Counts& counts_;
};

// 8 tokens of 40 completions: a pass for the prompt, a call for the first tokens, then seven of each.
TEST(Sampler, AsksForTheTokensOfAStepAtOnce) {
  DecoderConfig config = testing::tiny_config();
  config.eos_token_ids.clear();
  Decoder model(config);
  model.initialise(1, 0.2);
  CountingBackend::Counts counts;
  Sampler sampler(std::make_unique<CountingBackend>(make_cpu_sampling_backend(model), counts));
  const Ids prompt{1, 2, 3};
  std::vector<SampleRequest> requests;
  for (std::uint32_t i = 0; i < 40; ++i) requests.push_back({prompt, key_of(i)});
  (void)sampler.generate(requests, {.max_new_tokens = 8});
  EXPECT_EQ(counts.passes, 8u);
  EXPECT_EQ(counts.calls, 8u);
}

// A group in the batch and one ahead of it: places are used again.
TEST(Sampler, KeepsAsFewRowsAsItNeedsAtOnce) {
  const auto model = testing::tiny_model(1, 11, true, 0.2);
  CountingBackend::Counts counts;
  Sampler sampler(std::make_unique<CountingBackend>(make_cpu_sampling_backend(*model), counts));
  std::vector<Ids> prompts;
  for (std::uint32_t g = 0; g < 30; ++g) prompts.push_back({1, 2, g % 11});
  std::vector<SampleRequest> requests;
  for (const Ids& prompt : prompts) {
    for (std::uint32_t i = 0; i < 4; ++i) requests.push_back({prompt, key_of(i)});
  }
  (void)sampler.generate(requests, {.max_new_tokens = 8, .max_batch = 4});
  EXPECT_LE(counts.largest_place, 2u);
}

}  // namespace
}  // namespace reckon
