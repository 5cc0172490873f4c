#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/base/philox.h"

namespace reckon {

/// Rows of a grid, from the top.
using GridRows = std::vector<std::vector<int>>;

/// Reads a grid of cells of one character each, and nothing else, in linear time. Between cells may stand
/// blanks and one comma; where there are line ends, they stand between rows alone. A full stop at the end is
/// passed over where it is no symbol. Letters are read in either case. \param symbols  the character of the
/// value 0, of 1, ... \return nothing where the text is no such grid of that size.
[[nodiscard]] std::optional<GridRows> read_grid(std::string_view answer, std::string_view symbols,
                                                int num_rows, int num_columns);

/// The rows, one a line without a line end behind the last, `separator` between cells.
[[nodiscard]] std::string grid_text(const GridRows& rows, std::string_view symbols,
                                    std::string_view separator);

/// Whether every row and every column holds each of 1 .. rows.size() once.
[[nodiscard]] bool is_latin_square(const GridRows& rows);

/// Whether the cells of `rows` are those of `givens` wherever these are not 0. Both have the same shape.
[[nodiscard]] bool keeps_givens(const GridRows& rows, const GridRows& givens);

/// 0 .. size - 1 in a random order, each order as likely as the other.
[[nodiscard]] std::vector<int> random_order(int size, RandomStream& random);

}  // namespace reckon
