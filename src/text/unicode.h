#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "code_point_set.h"

namespace reckon {

/// Properties of characters as the Python package `tokenizers` 0.23 has them; which version of Unicode that
/// is for each is told in scripts/make_unicode_tables.py.

/// The code points of a general category, by its short name: "Lu", or a letter for a group of them: "L".
/// Nothing where there is no such category. Surrogates are in Cs.
[[nodiscard]] std::optional<CodePointSet> general_category(std::string_view name);

/// White_Space: what `\s` is for Oniguruma and for Rust.
[[nodiscard]] const CodePointSet& white_space();
/// `[\w]` of Oniguruma.
[[nodiscard]] const CodePointSet& oniguruma_word();
/// `\w` of Oniguruma outside of brackets: that, and the superscripts and fractions of Latin-1.
[[nodiscard]] const CodePointSet& oniguruma_bare_word();
/// `\w` of Rust's regex crate.
[[nodiscard]] const CodePointSet& rust_word();
/// Rust's char::is_numeric: the digits of the pre-tokenizer Digits.
[[nodiscard]] const CodePointSet& rust_numeric();

/// Canonical combining class; 0 for most characters.
[[nodiscard]] std::uint8_t combining_class(char32_t code_point);

/// Normalisation form C (Unicode Standard Annex 15), in linear time but for runs of combining marks, which
/// are sorted. \param text  is valid UTF-8.
[[nodiscard]] std::string nfc(std::string_view text);
/// Whether nfc() surely leaves the text as it is; false where only nfc() can tell.
[[nodiscard]] bool is_surely_nfc(std::string_view text);

}  // namespace reckon
