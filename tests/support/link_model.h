#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>

namespace reckon::testing {

/// What one direction of a link does to frames.
struct LinkOptions {
  double delay_s = 0;      ///< from the end of sending to arrival
  double loss = 0;         ///< share of the frames that are lost, 0 to 1
  double bytes_per_s = 0;  ///< 0: no limit
  std::uint64_t seed = 1;  ///< of which frames are lost
};

/// One direction of a link, without a clock of its own. The frames that are lost depend on the seed and on
/// how many came before, not on time.
class LinkModel {
 public:
  explicit LinkModel(const LinkOptions& options) : options_(options), words_(options.seed) {}

  /// \param now_s  does not go back between calls
  /// \return when a frame that is given to the link now arrives, or nothing where it is lost
  [[nodiscard]] std::optional<double> carry(std::size_t bytes, double now_s) {
    const bool is_lost = static_cast<double>(words_() >> 11) * 0x1p-53 < options_.loss;
    if (is_lost || is_cut_ || free_at_s_ - now_s > kLongestQueue) return std::nullopt;
    if (options_.bytes_per_s > 0)
      free_at_s_ = std::max(free_at_s_, now_s) + static_cast<double>(bytes) / options_.bytes_per_s;
    return std::max(free_at_s_, now_s) + options_.delay_s;
  }
  /// While a link is cut it carries nothing, and tells nobody.
  void set_cut(bool is_cut) { is_cut_ = is_cut; }

 private:
  static constexpr double kLongestQueue = 1.0;  // s of frames that wait for a slow link; more are lost

  LinkOptions options_;
  std::mt19937_64 words_;
  double free_at_s_ = 0;  // when the frames before are sent
  bool is_cut_ = false;
};

}  // namespace reckon::testing
