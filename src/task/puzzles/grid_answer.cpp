#include "grid_answer.h"

#include <utility>

#include "reckon/grade/extract.h"

namespace reckon {
namespace {

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::optional<GridRows> read_grid(std::string_view answer, std::string_view symbols, int num_rows,
                                  int num_columns) {
  answer = trim_blanks(answer);
  if (answer.ends_with('.') && symbols.find('.') == std::string_view::npos) answer.remove_suffix(1);
  const auto columns = static_cast<std::size_t>(num_columns);
  const std::size_t num_cells = columns * static_cast<std::size_t>(num_rows);
  GridRows rows;
  std::size_t cells = 0;
  bool comma_allowed = false;  // since the last cell there was none
  for (const char c : answer) {
    if (c == ' ' || c == '\t' || c == '\r') continue;
    if (c == '\n') {
      if (cells % columns != 0) return std::nullopt;
      continue;
    }
    if (c == ',') {
      if (!comma_allowed || cells == num_cells) return std::nullopt;
      comma_allowed = false;
      continue;
    }
    const std::size_t value = symbols.find(upper(c));
    if (value == std::string_view::npos || cells == num_cells) return std::nullopt;
    if (cells % columns == 0) rows.emplace_back();
    rows.back().push_back(static_cast<int>(value));
    ++cells;
    comma_allowed = true;
  }
  if (cells != num_cells) return std::nullopt;
  return rows;
}

std::string grid_text(const GridRows& rows, std::string_view symbols, std::string_view separator) {
  std::string text;
  for (const auto& row : rows) {
    if (!text.empty()) text += '\n';
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) text += separator;
      text += symbols[static_cast<std::size_t>(row[i])];
    }
  }
  return text;
}

bool is_latin_square(const GridRows& rows) {
  const std::size_t size = rows.size();
  const unsigned all = (2u << size) - 2;  // bits 1 .. size
  for (std::size_t i = 0; i < size; ++i) {
    unsigned row = 0;
    unsigned column = 0;
    for (std::size_t j = 0; j < size; ++j) {
      row |= 1u << rows[i][j];
      column |= 1u << rows[j][i];
    }
    if (row != all || column != all) return false;
  }
  return true;
}

bool keeps_givens(const GridRows& rows, const GridRows& givens) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < rows[i].size(); ++j) {
      if (givens[i][j] != 0 && givens[i][j] != rows[i][j]) return false;
    }
  }
  return true;
}

std::vector<int> random_order(int size, RandomStream& random) {
  std::vector<int> order(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i) order[static_cast<std::size_t>(i)] = i;
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  }
  return order;
}

}  // namespace reckon
