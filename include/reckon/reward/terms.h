#pragma once

#include <cstdint>
#include <string_view>

#include "reckon/reward/config.h"

/// The formulas of the reward terms, unweighted, in float64. Lengths are in tokens, end-of-sequence included.
namespace reckon {

/// The configuration with the lengths that it leaves to the stage: cosine_tokens, overlong_tokens and
/// overlong_cache are then above 0.
[[nodiscard]] RewardConfig with_lengths(RewardConfig config, std::int64_t max_new_tokens);

/// Cosine length reward, "Demystifying Long Chain-of-Thought Reasoning in LLMs", arXiv:2502.03373, section 4:
///   cut off or L > L_max    r_e = cosine_cut_off
///   right                   c_L + (c_0 - c_L) (1 + cos(pi L / L_max)) / 2
///   wrong                   w_L + (w_0 - w_L) (1 + cos(pi L / L_max)) / 2
/// with c_0 = cosine_right_short, c_L = cosine_right_long, w_0 and w_L likewise, L_max = cosine_tokens. The
/// paper pays r_e at L = L_max: there, that is being cut off. Defaults are those of open-r1, with r_e = w_0.
/// \param config  of with_lengths().
[[nodiscard]] double length_cosine(const RewardConfig& config, bool right, bool cut_off, std::int64_t tokens);

/// LCPO-Exact without its accuracy term, arXiv:2503.04697, section 3: -alpha |n_gold - n_y|.
[[nodiscard]] double length_exact(double alpha, std::int64_t target, std::int64_t tokens);

/// LCPO-Max, arXiv:2503.04697, section 3: clip(alpha (n_gold - n_y) + delta, 0, 1) of a right answer, else 0.
[[nodiscard]] double length_max(double alpha, double delta, bool right, std::int64_t target,
                                std::int64_t tokens);

/// Soft overlong punishment, DAPO, arXiv:2503.14476, Eq. 13:
///   0 up to L_max - L_cache tokens, ((L_max - L_cache) - |y|) / L_cache up to L_max, then -1.
/// \param max_tokens  L_max. \param cache  L_cache, at least 1.
[[nodiscard]] double overlong(std::int64_t max_tokens, std::int64_t cache, std::int64_t tokens);

/// N-gram repetition penalty, arXiv:2502.03373 and open-r1, whose max_penalty is this term's weight:
/// -(1 - different n-grams / n-grams), 0 for a text of fewer than n words. Words are what stands between
/// blanks, ASCII capitals taken for small letters.
[[nodiscard]] double repetition(std::string_view text, std::int64_t ngram);

/// Language consistency: letters of the script / letters, 0 where there are none. R1's term
/// (arXiv:2501.12948, section 2.3.2) is the share of words of the target language; a share of letters needs
/// no dictionary, and no word boundaries, which Chinese does not write. No letters are: the R1 tags, names of
/// LaTeX commands (\frac), and an ASCII letter with no other beside it (a variable). A byte that is no
/// UTF-8 counts as a letter of no script.
/// \note Scripts are told by blocks of Unicode, letters by general category L or such a block: the vowel
/// signs of
///       Devanagari are counted with its letters.
[[nodiscard]] double script_share(std::string_view text, Script script);

}  // namespace reckon
