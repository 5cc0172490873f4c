#include "search_cryptarithm.h"

#include <algorithm>
#include <cstdint>
#include <set>

namespace reckon {
namespace {

std::size_t index_of(char letter) {
  return static_cast<std::size_t>(letter - 'A');
}

/// The letter of a word in a column, counted from the right; 0 where the word is shorter.
char letter_in(const std::string& word, std::size_t column) {
  return column < word.size() ? word[word.size() - 1 - column] : '\0';
}

/// Assigns letters column by column, in each the addends' from the first and then the sum's, which is given
/// by them.
class ColumnSearch {
 public:
  ColumnSearch(const Cryptarithm& puzzle, int limit, int nodes_left)
      : puzzle_(puzzle), limit_(limit), nodes_left_(nodes_left) {
    digits_.fill(-1);
    for (const std::string& word : puzzle.addends) leading_.at(index_of(word[0])) = true;
    leading_.at(index_of(puzzle.sum[0])) = true;
  }

  int run() {
    place(0, 0, 0);
    return std::min(count_, limit_);
  }

 private:
  /// \param row    the next addend of the column; as many as there are addends: the sum.
  /// \param total  of the column so far, with the carry into it.
  void place(std::size_t column, std::size_t row, int total) {
    if (column == puzzle_.sum.size()) {
      count_ += total == 0 ? 1 : 0;
      return;
    }
    if (row == puzzle_.addends.size()) {
      const char letter = letter_in(puzzle_.sum, column);
      try_digit(letter, total % 10, [&] { place(column + 1, 0, total / 10); });
      return;
    }
    const char letter = letter_in(puzzle_.addends[row], column);
    if (letter == '\0') return place(column, row + 1, total);
    const int known = digits_[index_of(letter)];
    if (known >= 0) return place(column, row + 1, total + known);
    for (int digit = 0; digit < 10; ++digit) {
      try_digit(letter, digit, [&] { place(column, row + 1, total + digit); });
    }
  }
  /// Goes on with a letter that is or may become the digit.
  template <class Next>
  void try_digit(char letter, int digit, const Next& next) {
    if (count_ >= limit_) return;
    if (--nodes_left_ <= 0) {
      count_ = limit_;
      return;
    }
    int& place = digits_[index_of(letter)];
    if (place >= 0) {
      if (place == digit) next();
      return;
    }
    const unsigned bit = 1u << digit;
    if ((used_ & bit) != 0 || (digit == 0 && leading_[index_of(letter)])) return;
    place = digit;
    used_ |= bit;
    next();
    used_ ^= bit;
    place = -1;
  }

  const Cryptarithm& puzzle_;
  int limit_;
  int nodes_left_;
  int count_ = 0;
  unsigned used_ = 0;
  LetterDigits digits_{};
  std::array<bool, 26> leading_{};
};

}  // namespace

std::string letters_of(const Cryptarithm& puzzle) {
  std::set<char> letters(puzzle.sum.begin(), puzzle.sum.end());
  for (const std::string& word : puzzle.addends) letters.insert(word.begin(), word.end());
  return {letters.begin(), letters.end()};
}

bool is_solution(const Cryptarithm& puzzle, const LetterDigits& digits) {
  unsigned used = 0;
  for (const char letter : letters_of(puzzle)) {
    const int digit = digits[index_of(letter)];
    if (digit < 0 || ((used >> digit) & 1u) != 0) return false;
    used |= 1u << digit;
  }
  const auto value = [&](const std::string& word) {
    std::int64_t number = 0;
    for (const char letter : word) number = 10 * number + digits[index_of(letter)];
    return number;
  };
  std::int64_t total = -value(puzzle.sum);
  bool leading_zero = digits[index_of(puzzle.sum[0])] == 0;
  for (const std::string& word : puzzle.addends) {
    total += value(word);
    leading_zero = leading_zero || digits[index_of(word[0])] == 0;
  }
  return total == 0 && !leading_zero;
}

int count_solutions(const Cryptarithm& puzzle, int limit, int nodes_left) {
  return ColumnSearch(puzzle, limit, nodes_left).run();
}

Cryptarithm canonical_cryptarithm(const std::vector<int>& numbers, LetterDigits& digits) {
  std::vector<int> order = numbers;
  std::sort(order.begin(), order.end());
  int sum = 0;
  for (const int number : order) sum += number;
  Cryptarithm best;
  do {
    Cryptarithm puzzle;
    std::array<char, 10> letters{};
    LetterDigits named;
    named.fill(-1);
    char next = 'A';
    const auto word_of = [&](int number) {
      std::string word = std::to_string(number);
      for (char& c : word) {
        const int digit = c - '0';
        char& letter = letters[static_cast<std::size_t>(digit)];
        if (letter == '\0') {
          named[index_of(next)] = digit;
          letter = next++;
        }
        c = letter;
      }
      return word;
    };
    for (const int number : order) puzzle.addends.push_back(word_of(number));
    puzzle.sum = word_of(sum);
    if (best.sum.empty() || cryptarithm_text(puzzle) < cryptarithm_text(best)) {
      best = std::move(puzzle);
      digits = named;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

std::string cryptarithm_text(const Cryptarithm& puzzle) {
  std::string text;
  for (const std::string& word : puzzle.addends) text += (text.empty() ? "" : " + ") + word;
  return text + " = " + puzzle.sum;
}

std::string column_steps(const Cryptarithm& puzzle, const LetterDigits& digits) {
  std::string text;
  int carry = 0;
  for (std::size_t column = 0; column < puzzle.sum.size(); ++column) {
    std::string letters;
    std::string numbers;
    int total = carry;
    for (const std::string& word : puzzle.addends) {
      const char letter = letter_in(word, column);
      if (letter == '\0') continue;
      const int digit = digits[index_of(letter)];
      letters += (letters.empty() ? "" : " + ") + std::string(1, letter);
      numbers += (numbers.empty() ? "" : " + ") + std::to_string(digit);
      total += digit;
    }
    if (letters.empty()) {
      letters = "carry";
      numbers = std::to_string(carry);
    } else if (carry > 0) {
      letters += " + carry";
      numbers += " + " + std::to_string(carry);
    }
    text += letters + " = " + numbers + " = " + std::to_string(total) + ": " + letter_in(puzzle.sum, column) +
            " = " + std::to_string(total % 10) + ", carry " + std::to_string(total / 10) + "\n";
    carry = total / 10;
  }
  return text;
}

}  // namespace reckon
