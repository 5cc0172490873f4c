// Softmax over the vocabulary: log-probabilities, entropy, their gradient, and sampling from it.
#include "vector_math.h"

namespace reckon::RECKON_KERNELS {
namespace {

constexpr float kLowest = -__builtin_inff();

RECKON_INLINE f32x16 load_logits(const float* logits, std::int64_t v, std::int64_t vocab) {
  return load_partial(logits + v, vocab - v < 16 ? vocab - v : 16, kLowest);
}

/// x / T - shift, fused: the same bits wherever it is asked for.
RECKON_INLINE f32x16 shifted(f32x16 x, float inverse_temperature, float shift) {
  return multiply_add(inverse_temperature, x, broadcast(-shift));
}

RECKON_INLINE float largest_of(const float* logits, std::int64_t vocab) {
  f32x16 most = broadcast(kLowest);
  for (std::int64_t v = 0; v < vocab; v += 16) most = maximum(most, load_logits(logits, v, vocab));
  return maximum(most);
}

// Philox4x32-10 of many counters at once: src/base/philox.cpp has the plain form, and the tests compare them.
#ifdef __AVX512F__
using Words = __m512i;
constexpr int kCounters = 16;
RECKON_INLINE Words broadcast_word(std::uint32_t word) {
  return _mm512_set1_epi32(static_cast<int>(word));
}
RECKON_INLINE Words multiply_even(Words a, Words b) {
  return _mm512_mul_epu32(a, b);
}
RECKON_INLINE Words shift_down(Words a) {
  return _mm512_srli_epi64(a, 32);
}
RECKON_INLINE Words low_halves(Words even, Words odd) {
  return _mm512_mask_mov_epi32(even, 0xAAAA, _mm512_slli_epi64(odd, 32));
}
RECKON_INLINE Words high_halves(Words even, Words odd) {
  return _mm512_mask_mov_epi32(shift_down(even), 0xAAAA, odd);
}
RECKON_INLINE Words exclusive_or(Words a, Words b, Words c) {
  return _mm512_xor_si512(_mm512_xor_si512(a, b), c);
}
RECKON_INLINE Words plus(Words a, Words b) {
  return _mm512_add_epi32(a, b);
}
/// Lane 4 i + j holds counter 4 j + i, so that store_words() leaves them in order.
RECKON_INLINE Words counter_lanes() {
  return _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}
RECKON_INLINE bool any_at_least(const float* values, float least) {
  return _mm512_cmp_ps_mask(_mm512_loadu_ps(values), _mm512_set1_ps(least), _CMP_GE_OQ) != 0;
}
RECKON_INLINE void store_words(std::uint32_t* to, Words a, Words b, Words c, Words d) {
  const Words ab_low = _mm512_unpacklo_epi32(a, b);
  const Words ab_high = _mm512_unpackhi_epi32(a, b);
  const Words cd_low = _mm512_unpacklo_epi32(c, d);
  const Words cd_high = _mm512_unpackhi_epi32(c, d);
  _mm512_storeu_si512(to, _mm512_unpacklo_epi64(ab_low, cd_low));
  _mm512_storeu_si512(to + 16, _mm512_unpackhi_epi64(ab_low, cd_low));
  _mm512_storeu_si512(to + 32, _mm512_unpacklo_epi64(ab_high, cd_high));
  _mm512_storeu_si512(to + 48, _mm512_unpackhi_epi64(ab_high, cd_high));
}
#else
using Words = __m256i;
constexpr int kCounters = 8;
RECKON_INLINE Words broadcast_word(std::uint32_t word) {
  return _mm256_set1_epi32(static_cast<int>(word));
}
RECKON_INLINE Words multiply_even(Words a, Words b) {
  return _mm256_mul_epu32(a, b);
}
RECKON_INLINE Words shift_down(Words a) {
  return _mm256_srli_epi64(a, 32);
}
RECKON_INLINE Words low_halves(Words even, Words odd) {
  return _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
}
RECKON_INLINE Words high_halves(Words even, Words odd) {
  return _mm256_blend_epi32(shift_down(even), odd, 0xAA);
}
RECKON_INLINE Words exclusive_or(Words a, Words b, Words c) {
  return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}
RECKON_INLINE Words plus(Words a, Words b) {
  return _mm256_add_epi32(a, b);
}
/// Lane 4 i + j holds counter 2 j + i.
RECKON_INLINE Words counter_lanes() {
  return _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
}
RECKON_INLINE bool any_at_least(const float* values, float least) {
  const __m256 bound = _mm256_set1_ps(least);
  const __m256 low = _mm256_cmp_ps(_mm256_loadu_ps(values), bound, _CMP_GE_OQ);
  const __m256 high = _mm256_cmp_ps(_mm256_loadu_ps(values + 8), bound, _CMP_GE_OQ);
  return _mm256_movemask_ps(_mm256_or_ps(low, high)) != 0;
}
RECKON_INLINE void store_words(std::uint32_t* to, Words a, Words b, Words c, Words d) {
  const Words ab_low = _mm256_unpacklo_epi32(a, b);
  const Words ab_high = _mm256_unpackhi_epi32(a, b);
  const Words cd_low = _mm256_unpacklo_epi32(c, d);
  const Words cd_high = _mm256_unpackhi_epi32(c, d);
  auto* words = reinterpret_cast<__m256i*>(to);
  _mm256_storeu_si256(words, _mm256_unpacklo_epi64(ab_low, cd_low));
  _mm256_storeu_si256(words + 1, _mm256_unpackhi_epi64(ab_low, cd_low));
  _mm256_storeu_si256(words + 2, _mm256_unpacklo_epi64(ab_high, cd_high));
  _mm256_storeu_si256(words + 3, _mm256_unpackhi_epi64(ab_high, cd_high));
}
#endif

/// The 4 kCounters words of the counters first, first + 1, ... in order.
RECKON_INLINE void random_words(const GumbelKey& key, std::uint32_t first, std::uint32_t* to) {
  const Words multiplier0 = broadcast_word(0xD2511F53u);
  const Words multiplier1 = broadcast_word(0xCD9E8D57u);
  Words c0 = plus(counter_lanes(), broadcast_word(first));
  Words c1 = broadcast_word(key.position);
  Words c2 = broadcast_word(key.visit);
  Words c3 = broadcast_word(key.sample);
  std::uint32_t key0 = key.key0;
  std::uint32_t key1 = key.key1;
  for (int round = 0; round < 10; ++round) {
    const Words even0 = multiply_even(c0, multiplier0);
    const Words odd0 = multiply_even(shift_down(c0), multiplier0);
    const Words even1 = multiply_even(c2, multiplier1);
    const Words odd1 = multiply_even(shift_down(c2), multiplier1);
    c0 = exclusive_or(high_halves(even1, odd1), c1, broadcast_word(key0));
    c1 = low_halves(even1, odd1);
    c2 = exclusive_or(high_halves(even0, odd0), c3, broadcast_word(key1));
    c3 = low_halves(even0, odd0);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  store_words(to, c0, c1, c2, c3);
}

/// 1 - u of sixteen words, where u = (word + 1/2) 2^-32: the complement of the word, in the same form.
RECKON_INLINE f32x16 complements(const std::uint32_t* words) {
  using Bits = std::uint32_t __attribute__((vector_size(64 / kParts)));
  f32x16 v;
  for (int i = 0; i < kParts; ++i) {
    Bits bits;
    __builtin_memcpy(&bits, words + i * kPartLanes, sizeof bits);
    v.part[i] = (__builtin_convertvector(~bits, FloatPart) + 0.5f) * 0x1.0p-32f;
  }
  return v;
}

}  // namespace

void softmax_statistics(const float* logits, std::int64_t vocab, float inverse_temperature, float* lse,
                        float* entropy) {
  const float shift = largest_of(logits, vocab) * inverse_temperature;
  f32x16 total = broadcast(0.0f);
  f32x16 expected = broadcast(0.0f);
  for (std::int64_t v = 0; v < vocab; v += 16) {
    const f32x16 x = shifted(load_logits(logits, v, vocab), inverse_temperature, shift);
    const f32x16 e = exp(x);
    total += e;
    if (entropy == nullptr) continue;
    // Where x is -infinity, as behind the vocabulary, e is 0: their product is not a number.
    expected = select(less(x, broadcast(-88.0f)), expected, multiply_add(e, x, expected));
  }
  const float sum_of_exponentials = sum(total);
  const float log_total = logarithm(sum_of_exponentials);
  *lse = shift + log_total;
  if (entropy != nullptr) *entropy = log_total - sum(expected) / sum_of_exponentials;
}

void token_logprob_backward(float* logits, std::int64_t vocab, float inverse_temperature, float lse,
                            float factor, std::uint32_t token) {
  for (std::int64_t v = 0; v < vocab; v += 16) {
    const std::int64_t lanes = vocab - v < 16 ? vocab - v : 16;
    const f32x16 p = exp(shifted(load_partial(logits + v, lanes), inverse_temperature, lse));
    store_partial(logits + v, p * -factor, lanes);
  }
  logits[token] += factor;
}

std::int64_t next_at_least(const float* bounds, std::int64_t from, std::int64_t vocab, float least) {
  std::int64_t v = from;
  for (; v + 16 <= vocab && !any_at_least(bounds + v, least); v += 16) {
  }
  while (v < vocab && !(bounds[v] >= least)) ++v;
  return v;
}

std::int64_t gumbel_bounds(const float* logits, std::int64_t vocab, float inverse_temperature,
                           const GumbelKey& key, float* bounds, float* shift, float* lse) {
  *shift = largest_of(logits, vocab) * inverse_temperature;
  f32x16 total = broadcast(0.0f);
  f32x16 most = broadcast(-1.0f);
  alignas(64) std::uint32_t words[4 * kCounters];
  for (std::int64_t first = 0; first < vocab; first += 4 * kCounters) {
    random_words(key, static_cast<std::uint32_t>(first / 4), words);
    const std::int64_t end = first + 4 * kCounters < vocab ? first + 4 * kCounters : vocab;
    for (std::int64_t v = first; v < end; v += 16) {
      const f32x16 e = exp(shifted(load_logits(logits, v, vocab), inverse_temperature, *shift));
      total += e;
      const f32x16 bound = e / complements(words + (v - first));
      store_partial(bounds + v, bound, vocab - v < 16 ? vocab - v : 16);
      most = maximum(most, bound);
    }
  }
  *lse = *shift + logarithm(sum(total));
  return next_at_least(bounds, 0, vocab, maximum(most));
}

}  // namespace reckon::RECKON_KERNELS
