#pragma once

#include <array>
#include <cstdint>

#include "reckon/base/describe.h"

namespace reckon {

/// Scripts of languages: in what letters a completion is to be written (terms.h, script_share).
enum class Script {
  latin,
  han,
  japanese,  ///< kana and Han
  hangul,
  cyrillic,
  greek,
  arabic,
  hebrew,
  devanagari,
  thai,
};
constexpr auto enum_names(Script) {
  return std::array{EnumName{Script::latin, "latin"},           EnumName{Script::han, "han"},
                    EnumName{Script::japanese, "japanese"},     EnumName{Script::hangul, "hangul"},
                    EnumName{Script::cyrillic, "cyrillic"},     EnumName{Script::greek, "greek"},
                    EnumName{Script::arabic, "arabic"},         EnumName{Script::hebrew, "hebrew"},
                    EnumName{Script::devanagari, "devanagari"}, EnumName{Script::thai, "thai"}};
}

/// Weights of the reward terms; the reward is their weighted sum (DeepSeek-R1, section 2.2.2). Formulas and
/// sources: terms.h. Of these only accuracy and length_max ask whether the answer is right, and length_cosine
/// pays less where it is not. All the others pay a wrong completion as well: a policy that cannot raise
/// accuracy will raise them, so their weights should stay small beside that of accuracy.
struct RewardConfig {
  double accuracy = 1.0;
  double format = 0.1;
  double format_strict = 0.0;
  double format_think = 0.0;
  double format_soft = 0.0;
  double random = 0.0;
  double language_consistency = 0.0;
  double length_cosine = 0.0;
  double length_exact = 0.0;
  double length_max = 0.0;
  double overlong = 0.0;
  double repetition = 0.0;
  double clip_low = -1e9;
  double clip_high = 1e9;
  Script language = Script::latin;
  double cosine_right_short = 1.0;
  double cosine_right_long = 0.5;
  double cosine_wrong_short = -1.0;
  double cosine_wrong_long = -0.5;
  double cosine_cut_off = -1.0;
  std::int64_t cosine_tokens = 0;
  std::int64_t target_tokens = 0;
  double length_alpha = 3e-4;
  double length_delta = 0.5;
  std::int64_t overlong_tokens = 0;
  std::int64_t overlong_cache = 0;
  std::int64_t repetition_ngram = 3;
  std::int64_t grading_threads = 1;
};

/// Bounds that keep every sum of terms a finite number.
inline constexpr Bounds kRewardWeight = between(0, 1e6);
inline constexpr Bounds kRewardValue = between(-1e6, 1e6);
inline constexpr Bounds kRewardLimit = between(-1e9, 1e9);

template <class Visitor>
void describe_weights(Visitor& visit, RewardConfig& c) {
  visit("accuracy", c.accuracy, kRewardWeight, "weight of: 1 where the answer is right, else 0");
  visit("format", c.format, kRewardWeight,
        "weight of: 1 where the completion is well formed, else 0; pays an answer with "
        "and without <think> alike, right or wrong");
  visit("format_strict", c.format_strict, kRewardWeight,
        "weight of: 1 for exactly <think>, <answer> and their ends, each on its own line, else 0; pays wrong "
        "answers too, and teaches to think always; needs answer.form = \"tag\"");
  visit("format_think", c.format_think, kRewardWeight,
        "weight of: 1 where the completion starts with its only <think> and closes it, else 0; pays without "
        "any "
        "answer");
  visit(
      "format_soft", c.format_soft, kRewardWeight,
      "weight of: 0.25 for each of the four tags that stands once with its newlines; pays tags in any order, "
      "around nothing; needs answer.form = \"tag\"");
  visit("random", c.random, kRewardWeight,
        "weight of: a coin toss, 0 or 1, that knows nothing of the completion (the "
        "control experiment)");
  visit(
      "language_consistency", c.language_consistency, kRewardWeight,
      "weight of: share of the completion's letters that are of the script `language` (R1's language term); "
      "pays any text of that script");
  visit("length_cosine", c.length_cosine, kRewardWeight,
        "weight of: a value that goes from cosine_*_short to cosine_*_long with the number of tokens along "
        "half "
        "a cosine, of its own for right and for wrong answers (arXiv:2502.03373); it has the accuracy in it: "
        "set "
        "accuracy = 0 beside it. A long wrong answer costs less than a short one, which is paid for padding");
  visit("length_exact", c.length_exact, kRewardWeight,
        "weight of: -length_alpha * |target_tokens - tokens| (LCPO-Exact, arXiv:2503.04697), right or wrong; "
        "beside accuracy");
  visit(
      "length_max", c.length_max, kRewardWeight,
      "weight of: min(max(length_alpha * (target_tokens - tokens) + length_delta, 0), 1) where the answer is "
      "right, else 0 (LCPO-Max); in place of accuracy");
  visit("overlong", c.overlong, kRewardWeight,
        "weight of: 0 down to -1 over the last overlong_cache of overlong_tokens tokens (DAPO, "
        "arXiv:2503.14476, Eq. 13), right or wrong");
  visit("repetition", c.repetition, kRewardWeight,
        "weight of: -(1 - different / all) n-grams of repetition_ngram words (arXiv:2502.03373, open-r1); a "
        "text "
        "of fewer words loses nothing");
}

template <class Visitor>
void describe(Visitor& visit, RewardConfig& c) {
  describe_weights(visit, c);
  visit("clip_low", c.clip_low, kRewardLimit, "the reward is at least this");
  visit("clip_high", c.clip_high, kRewardLimit, "the reward is at most this");
  visit("language", c.language, any(), "script of language_consistency");
  visit("cosine_right_short", c.cosine_right_short, kRewardValue,
        "length_cosine of a right answer of 0 tokens");
  visit("cosine_right_long", c.cosine_right_long, kRewardValue, "... of cosine_tokens tokens");
  visit("cosine_wrong_short", c.cosine_wrong_short, kRewardValue,
        "length_cosine of a wrong answer, or none, of 0 tokens");
  visit("cosine_wrong_long", c.cosine_wrong_long, kRewardValue, "... of cosine_tokens tokens");
  visit("cosine_cut_off", c.cosine_cut_off, kRewardValue,
        "length_cosine of a completion that was cut off or is longer than cosine_tokens");
  visit("cosine_tokens", c.cosine_tokens, between(0, 1048576),
        "length at which the cosine ends, in tokens; 0 is max_new_tokens");
  visit("target_tokens", c.target_tokens, between(0, 1048576),
        "length that length_exact and length_max aim at, in tokens; the prompt should name it "
        "(answer.sentence)");
  visit("length_alpha", c.length_alpha, kRewardWeight, "what length_exact and length_max give for one token");
  visit("length_delta", c.length_delta, between(0, 1),
        "length_max of a right answer of target_tokens tokens");
  visit("overlong_tokens", c.overlong_tokens, between(0, 1048576),
        "length at which overlong is -1, in tokens; 0 is max_new_tokens");
  visit("overlong_cache", c.overlong_cache, between(0, 1048576),
        "tokens before that over which it falls; 0 is a fifth of overlong_tokens, at least 1 (DAPO: 4096 of "
        "20480)");
  visit("repetition_ngram", c.repetition_ngram, between(1, 1000), "words of an n-gram");
  visit("grading_threads", c.grading_threads, between(0, 64),
        "threads of each rank that grade completions while others are sampled; 0 grades on the sampling "
        "thread; "
        "does not change results");
}

}  // namespace reckon
