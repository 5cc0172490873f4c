#include "reckon/reward/terms.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <string>
#include <unordered_set>
#include <vector>

namespace reckon {
namespace {

constexpr std::int64_t kCacheShare = 5;  // DAPO: L_cache = 4,096 of L_max = 20,480

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The words of a text in small letters, one blank between them, and where each begins.
std::string join_words(std::string_view text, std::vector<std::size_t>& begins) {
  std::string joined;
  bool in_word = false;
  for (const char c : text) {
    if (is_blank(c)) {
      in_word = false;
      continue;
    }
    if (!in_word) {
      if (!joined.empty()) joined += ' ';
      begins.push_back(joined.size());
      in_word = true;
    }
    joined += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return joined;
}

}  // namespace

RewardConfig with_lengths(RewardConfig config, std::int64_t max_new_tokens) {
  if (config.cosine_tokens == 0) config.cosine_tokens = max_new_tokens;
  if (config.overlong_tokens == 0) config.overlong_tokens = max_new_tokens;
  if (config.overlong_cache == 0)
    config.overlong_cache = std::max<std::int64_t>(1, config.overlong_tokens / kCacheShare);
  return config;
}

double length_cosine(const RewardConfig& config, bool right, bool cut_off, std::int64_t tokens) {
  if (cut_off || tokens > config.cosine_tokens) return config.cosine_cut_off;
  const double at_start = right ? config.cosine_right_short : config.cosine_wrong_short;
  const double at_end = right ? config.cosine_right_long : config.cosine_wrong_long;
  const double progress = static_cast<double>(tokens) / static_cast<double>(config.cosine_tokens);
  return at_end + 0.5 * (at_start - at_end) * (1.0 + std::cos(std::numbers::pi * progress));
}

double length_exact(double alpha, std::int64_t target, std::int64_t tokens) {
  return -alpha * static_cast<double>(std::abs(target - tokens));
}

double length_max(double alpha, double delta, bool right, std::int64_t target, std::int64_t tokens) {
  if (!right) return 0.0;
  return std::clamp(alpha * static_cast<double>(target - tokens) + delta, 0.0, 1.0);
}

double overlong(std::int64_t max_tokens, std::int64_t cache, std::int64_t tokens) {
  const std::int64_t over = tokens - (max_tokens - cache);
  if (over <= 0) return 0.0;
  return std::max(-1.0, -static_cast<double>(over) / static_cast<double>(cache));
}

double repetition(std::string_view text, std::int64_t ngram) {
  std::vector<std::size_t> begins;
  const std::string words = join_words(text, begins);
  const auto n = static_cast<std::size_t>(ngram);
  if (begins.size() < n) return 0.0;
  const std::size_t num_ngrams = begins.size() - n + 1;
  std::unordered_set<std::string_view> different;
  for (std::size_t i = 0; i < num_ngrams; ++i) {
    const std::size_t end = i + n < begins.size() ? begins[i + n] - 1 : words.size();
    different.insert(std::string_view(words).substr(begins[i], end - begins[i]));
  }
  return static_cast<double>(different.size()) / static_cast<double>(num_ngrams) - 1.0;
}

}  // namespace reckon
