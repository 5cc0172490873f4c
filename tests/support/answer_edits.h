#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/base/philox.h"

namespace reckon::testing {

/// Ways to write any answer anew that change nothing: in dollars, in a box, with other blanks, brackets and
/// fractions.
std::vector<std::string> respelled(std::string_view text);

/// What an edit changes: one digit; one + or - or the sign in front; one letter that is no part of a command;
/// one round bracket to a square one, or the reverse.
enum class EditKind { digit, sign, letter, bracket };
inline constexpr std::array kEditKinds = {EditKind::digit, EditKind::sign, EditKind::letter,
                                          EditKind::bracket};
const char* name_of(EditKind kind);

/// Every answer that one edit of a kind makes of a text, the new digit or letter drawn; none twice.
std::vector<std::string> edited(std::string_view text, EditKind kind, RandomStream& random);

}  // namespace reckon::testing
