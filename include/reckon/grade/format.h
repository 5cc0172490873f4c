#pragma once

#include <string_view>

namespace reckon {

/// Formats that public trainers pay for, on the text of a whole completion.

/// Exactly "<think>\n" thinking "\n</think>\n<answer>\n" answer "\n</answer>", the answer not blank and none
/// of the four tags anywhere else. The form of DeepSeek-R1 (arXiv:2501.12948, section 2.2.2) with the
/// newlines of open-r1's format reward, which lets text follow and tags repeat; this does not.
[[nodiscard]] bool strict_format(std::string_view completion);

/// Starts with <think>, which stands nowhere else, and closes it; anything may follow: TRL's think format.
[[nodiscard]] bool think_format(std::string_view completion);

/// A quarter each for "<think>\n", "\n</think>\n", "\n<answer>\n" and "\n</answer>" that stand exactly once,
/// wherever: open-r1's tag count.
/// \return 0, 0.25, 0.5, 0.75 or 1.
[[nodiscard]] double tag_count_format(std::string_view completion);

}  // namespace reckon
