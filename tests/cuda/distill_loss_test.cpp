// Distillation against float64, whose gradients are central differences, and against hands.
#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

#include "every_order.h"
#include "logit_batch.h"

namespace reckon::cuda {
namespace {

using Distribution = std::vector<double>;

/// KL(first || second), nats.
double kl_of(const Distribution& first, const Distribution& second) {
  double kl = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (first[i] > 0) kl += first[i] * std::log(first[i] / second[i]);
  }
  return kl;
}
double kl_of(KlDirection direction, const Distribution& teacher, const Distribution& student) {
  return direction == KlDirection::forward ? kl_of(teacher, student) : kl_of(student, teacher);
}

/// A teacher's k likeliest words of each row.
struct TopWords {
  std::int64_t k = 0;
  std::vector<std::uint32_t> ids;
  std::vector<float> logprobs;

  /// \param teacher  whose softmax it is
  TopWords(const LogitBatch& teacher, std::int64_t num_words) : k(num_words) {
    for (std::int64_t r = 0; r < teacher.rows; ++r) {
      const RowReference softmax(teacher.row(r), 1);
      std::vector<std::uint32_t> order(static_cast<std::size_t>(teacher.vocab));
      std::iota(order.begin(), order.end(), 0U);
      std::stable_sort(order.begin(), order.end(),
                       [&](auto a, auto b) { return softmax.log_p[a] > softmax.log_p[b]; });
      for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) {
        ids.push_back(order[i]);
        logprobs.push_back(static_cast<float>(softmax.log_p[order[i]]));
      }
    }
  }
  /// The k outcomes of row r and the tail.
  [[nodiscard]] Distribution of(std::int64_t r, std::int64_t vocab) const {
    Distribution q;
    for (std::int64_t i = 0; i < k; ++i)
      q.push_back(std::exp(static_cast<double>(logprobs[static_cast<std::size_t>(r * k + i)])));
    if (k < vocab) q.push_back(std::max(1 - std::accumulate(q.begin(), q.end(), 0.0), 0x1.0p-24));
    return q;
  }
  /// What a student's softmax gives to them.
  [[nodiscard]] Distribution in(const Distribution& p, std::int64_t r) const {
    Distribution outcomes;
    Distribution rest = p;
    for (std::int64_t i = 0; i < k; ++i) {
      const std::uint32_t id = ids[static_cast<std::size_t>(r * k + i)];
      outcomes.push_back(p[id]);
      rest[id] = 0;
    }
    if (k < static_cast<std::int64_t>(p.size()))
      outcomes.push_back(std::accumulate(rest.begin(), rest.end(), 0.0));
    return outcomes;
  }
};

struct Results {
  std::vector<bf16> dlogits;
  std::vector<float> loss;
};

Results run_top(const RowPlan& plan, const LogitBatch& batch, const TopWords& top, KlDirection direction,
                const std::vector<float>& weights, float temperature) {
  DeviceLogits logits(batch);
  RowColumn weight(weights), loss(batch.rows), logprobs(top.logprobs);
  DeviceArray<std::uint32_t> ids;
  ids.upload(top.ids);
  top_k_kl_loss(plan, logits.rows, {ids.data(), logprobs.data(), top.k}, direction, weight.data(),
                temperature, loss.data(), nullptr);
  return {logits.values.download(), loss.download()};
}

Results run_full(const RowPlan& plan, const LogitBatch& batch, const LogitBatch& teacher,
                 KlDirection direction, const std::vector<float>& weights, float temperature) {
  DeviceLogits logits(batch);
  DeviceLogits teacher_logits(teacher);
  RowColumn weight(weights), loss(batch.rows);
  full_kl_loss(plan, logits.rows, teacher_logits.values.data(), teacher.stride, direction, weight.data(),
               temperature, loss.data(), nullptr);
  EXPECT_EQ(bits_of(teacher_logits.values.download()), bits_of(teacher.values));
  return {logits.values.download(), loss.download()};
}

/// Row r of the results against a loss of its logits, by central differences at `words`.
/// \param error  of float32 in the loss and in each gradient
template <class Loss>
void expect_row(const Results& actual, const LogitBatch& batch, std::int64_t r, const Loss& loss_of,
                double error, const std::vector<std::size_t>& words) {
  auto logits = batch.row(r);
  const double loss = loss_of(logits);
  ASSERT_NEAR(actual.loss[static_cast<std::size_t>(r)], loss, error * (1 + std::abs(loss)));
  for (const std::size_t v : words) {
    constexpr double kStep = 1e-4;
    const double x = logits[v];
    logits[v] = x + kStep;
    const double above = loss_of(logits);
    logits[v] = x - kStep;
    const double below = loss_of(logits);
    logits[v] = x;
    const double value = (above - below) / (2 * kStep);
    ASSERT_NEAR(to_float(actual.dlogits[static_cast<std::size_t>(r * batch.stride) + v]), value,
                0x1.0p-8 * std::abs(value) + error)
        << "row " << r << ", word " << v << " of " << batch.vocab;
  }
  for (std::int64_t v = batch.vocab; v < batch.stride; ++v) {
    const auto at = static_cast<std::size_t>(r * batch.stride + v);
    ASSERT_EQ(actual.dlogits[at].bits, batch.values[at].bits) << "behind the vocabulary";
  }
}

std::vector<std::size_t> all_words(std::int64_t vocab) {
  std::vector<std::size_t> words(static_cast<std::size_t>(vocab));
  std::iota(words.begin(), words.end(), 0U);
  return words;
}

const std::vector<float> kWeights{1.0f, 0.25f, 2.0f};
// Central differences of 1e-4 are good to 1e-8, float32 to 2e-6 of terms that are at most about 10.
constexpr double kError = 2e-5;

class Directions {
 public:
  static constexpr KlDirection all[] = {KlDirection::forward, KlDirection::reverse};
};

TEST_P(EveryOrder, TopKDistillationMatchesFloat64) {
  for (const auto& [vocab, k] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {2, 1}, {9, 3}, {33, 33}, {257, 20}}) {
    const LogitBatch batch(3, vocab, 5, 1.5);
    const TopWords top(LogitBatch(3, vocab, 8, 1.5), k);
    for (const KlDirection direction : Directions::all) {
      for (const float temperature : {1.0f, 1.6f}) {
        const Results actual =
            run_top(plan_row(vocab, device_info()), batch, top, direction, kWeights, temperature);
        for (std::int64_t r = 0; r < 3; ++r) {
          const auto loss_of = [&](const std::vector<double>& logits) {
            return static_cast<double>(kWeights[static_cast<std::size_t>(r)]) *
                   kl_of(direction, top.of(r, vocab), top.in(RowReference(logits, temperature).p, r));
          };
          expect_row(actual, batch, r, loss_of, kError, all_words(vocab));
        }
      }
    }
  }
}

TEST_P(EveryOrder, FullDistillationMatchesFloat64) {
  for (const std::int64_t vocab : {1, 2, 31, 32, 33, 257}) {
    const LogitBatch batch(3, vocab, 5, 1.5);
    const LogitBatch teacher(3, vocab, 8, 1.5);
    for (const KlDirection direction : Directions::all) {
      for (const float temperature : {1.0f, 0.7f}) {
        const Results actual =
            run_full(plan_row(vocab, device_info(), 2), batch, teacher, direction, kWeights, temperature);
        for (std::int64_t r = 0; r < 3; ++r) {
          const Distribution q = RowReference(teacher.row(r), temperature).p;
          const auto loss_of = [&](const std::vector<double>& logits) {
            return static_cast<double>(kWeights[static_cast<std::size_t>(r)]) *
                   kl_of(direction, q, RowReference(logits, temperature).p);
          };
          expect_row(actual, batch, r, loss_of, kError, all_words(vocab));
        }
      }
    }
  }
}

TEST_P(EveryOrder, DistillationMatchesFloat64OfALargeVocabulary) {
  constexpr std::int64_t kVocab = 151936;
  const LogitBatch batch(1, kVocab, 5, 2.0);
  const LogitBatch teacher(1, kVocab, 8, 2.0);
  const TopWords top(teacher, 100);
  const Distribution q = RowReference(teacher.row(0), 1).p;
  const std::vector<std::size_t> words{0, top.ids[0], top.ids[99], 37984, 151935};
  for (const KlDirection direction : Directions::all) {
    const auto top_loss = [&](const std::vector<double>& logits) {
      return kl_of(direction, top.of(0, kVocab), top.in(RowReference(logits, 1).p, 0));
    };
    expect_row(run_top(plan_row(kVocab, device_info()), batch, top, direction, {1}, 1), batch, 0, top_loss,
               kError, words);
    const auto full_loss = [&](const std::vector<double>& logits) {
      return kl_of(direction, q, RowReference(logits, 1).p);
    };
    expect_row(run_full(plan_row(kVocab, device_info(), 2), batch, teacher, direction, {1}, 1), batch, 0,
               full_loss, kError, words);
  }
}

// Student (1/2, 1/2), teacher's first word 3/4: 3/4 log(3/2) + 1/4 log(1/2), gradient p - q; the other way
// 1/2 log(2/3) + 1/2 log 2, gradient p (log(p / q) - KL).
TEST_P(EveryOrder, TopKDistillationIsWhatAHandComputes) {
  LogitBatch batch(1, 2, 1, 0.0);
  TopWords top(batch, 1);
  top.ids = {0};
  top.logprobs = {std::log(0.75f)};
  const RowPlan plan = plan_row(2, device_info());
  const Results forward = run_top(plan, batch, top, KlDirection::forward, {1}, 1);
  EXPECT_NEAR(forward.loss[0], 0.1308120, 1e-6);
  EXPECT_NEAR(to_float(forward.dlogits[0]), -0.25, 1e-6);
  EXPECT_NEAR(to_float(forward.dlogits[1]), 0.25, 1e-6);
  const Results reverse = run_top(plan, batch, top, KlDirection::reverse, {1}, 1);
  EXPECT_NEAR(reverse.loss[0], 0.1438410, 1e-6);
  EXPECT_NEAR(to_float(reverse.dlogits[0]), -0.2746531, 0x1.0p-8 * 0.28);
  EXPECT_NEAR(to_float(reverse.dlogits[1]), 0.2746531, 0x1.0p-8 * 0.28);
}

TEST_P(EveryOrder, ATinyTailOfTheStudentIsNotLostInRounding) {
  // All words but one have e^-20 of it: p of the tail is 6e-7, the teacher's is 0.1.
  LogitBatch batch(1, 300, 1, 0.0);
  for (std::int64_t v = 0; v < 300; ++v) batch.at(0, v) = to_bf16(v == 7 ? 20.0f : 0.0f);
  TopWords top(batch, 1);
  top.ids = {7};
  top.logprobs = {std::log(0.9f)};
  const Results actual = run_top(plan_row(300, device_info()), batch, top, KlDirection::forward, {1}, 1);
  const double tail = 299 * std::exp(-20.0) / (1 + 299 * std::exp(-20.0));
  EXPECT_NEAR(actual.loss[0], 0.9 * std::log(0.9 / (1 - tail)) + 0.1 * std::log(0.1 / tail), 2e-6);
}

TEST_P(EveryOrder, DistillationFromOneselfIsZero) {
  const LogitBatch batch(3, 300);
  for (const KlDirection direction : Directions::all) {
    const Results actual = run_full(plan_row(300, device_info(), 2), batch, batch, direction, kWeights, 1);
    EXPECT_THAT(actual.loss, ::testing::Each(0.0f));
    for (std::size_t v = 0; v < 300; ++v) ASSERT_EQ(to_float(actual.dlogits[v]), 0.0f);
  }
}

TEST_P(EveryOrder, DistillationTakesImpossibleWords) {
  LogitBatch batch(2, 40, 5, 1.0);
  LogitBatch teacher(2, 40, 8, 1.0);
  for (std::int64_t v = 0; v < 40; v += 2) {  // impossible for both
    batch.at(0, v) = teacher.at(0, v) = to_bf16(-kInfinity);
  }
  teacher.at(1, 3) = to_bf16(-kInfinity);  // for the teacher alone
  const RowPlan plan = plan_row(40, device_info(), 2);
  for (const KlDirection direction : Directions::all) {
    const Results actual = run_full(plan, batch, teacher, direction, {1, 1}, 1);
    const double expected =
        kl_of(direction, RowReference(teacher.row(0), 1).p, RowReference(batch.row(0), 1).p);
    EXPECT_NEAR(actual.loss[0], expected, kError);
    EXPECT_EQ(actual.dlogits[0].bits & 0x7fff, 0);
  }
  EXPECT_NEAR(run_full(plan, batch, teacher, KlDirection::forward, {1, 1}, 1).loss[1],
              kl_of(RowReference(teacher.row(1), 1).p, RowReference(batch.row(1), 1).p), kError);
  EXPECT_EQ(run_full(plan, batch, teacher, KlDirection::reverse, {1, 1}, 1).loss[1], kInfinity);
}

TEST_P(EveryOrder, DistillationDoesNotReadRowsWithoutWeightAndNaNStaysInItsRow) {
  LogitBatch batch(3, 300);
  const LogitBatch teacher(3, 300, 2);
  const TopWords top(teacher, 5);
  for (std::int64_t v = 0; v < 300; ++v) batch.at(1, v) = to_bf16(kNan);
  batch.at(2, 250) = to_bf16(kNan);
  for (const Results& actual :
       {run_top(plan_row(300, device_info()), batch, top, KlDirection::forward, {1, 0, 1}, 1),
        run_full(plan_row(300, device_info(), 2), batch, teacher, KlDirection::reverse, {1, 0, 1}, 1)}) {
    EXPECT_TRUE(std::isfinite(actual.loss[0]));
    EXPECT_EQ(actual.loss[1], 0);
    EXPECT_TRUE(std::isnan(actual.loss[2]));
    for (std::int64_t v = 0; v < 300; ++v)
      ASSERT_EQ(actual.dlogits[static_cast<std::size_t>(batch.stride + v)].bits, 0);
  }
}

TEST_P(EveryOrder, DistillationHasTheSameBitsOnBothPathsAndInAnyBatch) {
  for (const std::int64_t vocab : {257, 20001, 40001}) {
    const LogitBatch batch(2, vocab);
    const LogitBatch teacher(2, vocab, 3);
    const TopWords top(teacher, 30), top_of_second(teacher.picked({1}), 30);
    for (const KlDirection direction : Directions::all) {
      const auto compare = [&](const Results& all, const Results& other, const Results& second) {
        EXPECT_EQ(bits_of(all.dlogits), bits_of(other.dlogits)) << vocab;
        EXPECT_EQ(bits_of(all.loss), bits_of(other.loss)) << vocab;
        EXPECT_EQ(bits_of(std::vector{all.loss[1]}), bits_of(second.loss)) << vocab;
        EXPECT_EQ(bits_of(std::vector<bf16>(all.dlogits.begin() + batch.stride, all.dlogits.end())),
                  bits_of(second.dlogits));
      };
      const auto plans = plans_of(vocab);
      compare(run_top(plans[0], batch, top, direction, {1, 2}, 1),
              run_top(plans[1], batch, top, direction, {1, 2}, 1),
              run_top(plans[0], batch.picked({1}), top_of_second, direction, {2}, 1));
      const auto wide = plans_of(vocab, 2);
      compare(run_full(wide[0], batch, teacher, direction, {1, 2}, 1),
              run_full(wide[1], batch, teacher, direction, {1, 2}, 1),
              run_full(wide[0], batch.picked({1}), teacher.picked({1}), direction, {2}, 1));
    }
  }
}

TEST(Distillation, OfNoRowsDoesNothing) {
  top_k_kl_loss({nullptr, 0, 32, 32}, {nullptr, nullptr, 4}, KlDirection::forward, nullptr, 1, nullptr,
                nullptr);
  full_kl_loss({nullptr, 0, 32, 32}, nullptr, 32, KlDirection::forward, nullptr, 1, nullptr, nullptr);
}

template <class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "no error";
}

TEST(Distillation, SaysWhatIsWrongWithItsArguments) {
  const auto top = [](std::int64_t vocab, std::int64_t k) {
    return message_of([=] {
      top_k_kl_loss({nullptr, 1, vocab, 1024}, {nullptr, nullptr, k}, KlDirection::forward, nullptr, 1,
                    nullptr, nullptr);
    });
  };
  EXPECT_EQ(top(1000, 0), "top_k_kl_loss: k = 0 (need 1 to 512)");
  EXPECT_EQ(top(1000, 513), "top_k_kl_loss: k = 513 (need 1 to 512)");
  EXPECT_EQ(top(100, 100),
            "top_k_kl_loss: the teacher's token_ids or logprobs or weight is null (need all three)");
  EXPECT_EQ(top(100, 101), "top_k_kl_loss: k = 101 (need 1 to 100)");
  EXPECT_EQ(
      message_of([] {
        full_kl_loss({nullptr, 1, 32, 32}, nullptr, 30, KlDirection::forward, nullptr, 1, nullptr, nullptr);
      }),
      "full_kl_loss: stride 30 for V = 32 (need a multiple of 8, at least V)");
}

}  // namespace
}  // namespace reckon::cuda
