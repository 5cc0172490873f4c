#include <algorithm>

#include "characters.h"
#include "lexer_state.h"
#include "units.h"

namespace reckon {
namespace {

bool all_capitals(std::string_view run) {
  return std::all_of(run.begin(), run.end(), is_capital);
}
/// A capital, then small letters only.
bool capitalised(std::string_view run) {
  return is_capital(run[0]) && std::all_of(run.begin() + 1, run.end(), is_small);
}
bool has_vowel(std::string_view run) {
  return run.find_first_of("aeiouAEIOU") != std::string_view::npos;
}

}  // namespace

void Lexer::emit_word(std::string_view word, WordClass word_class) {
  result_.has_word = true;
  emit(TokenKind::word, word, static_cast<std::uint8_t>(word_class));
}

void Lexer::read_letters() {
  const std::size_t start = at_;
  bool ascii = true;
  while (is_ascii_letter(peek()) || static_cast<unsigned char>(peek()) >= 0x80) {
    ascii = ascii && is_ascii_letter(peek());
    ++at_;
  }
  std::string_view run = text_.substr(start, at_ - start);
  if (!ascii) return emit_word(run, WordClass::plain);
  if ((run == "a" || run == "p") && here(".m")) {
    at_ += here(".m.") ? 3 : 2;
    return emit_word(run == "a" ? "am" : "pm", WordClass::am_pm);
  }
  if (run.size() == 1) return emit(TokenKind::letter, run);
  if (in_text()) return read_text_word(run);
  read_math_word(run);
}

void Lexer::read_text_word(std::string_view run) {
  if (value_before() && find_unit(run, true)) return emit_word(run, WordClass::unit);
  if (const auto word = find_word(fold_case(run))) return emit_word(run, word->word_class);
  if (const auto function = find_function(run)) {
    return emit(TokenKind::function, run, static_cast<std::uint8_t>(*function));
  }
  if (all_capitals(run)) return emit(TokenKind::name, run);
  emit_word(run, WordClass::plain);
}

void Lexer::read_math_word(std::string_view run) {
  if (value_before() && !blank_ && run.size() > 2 && run.size() <= 4) {  // x=1orx=2
    const std::size_t size = run.starts_with("or") ? 2 : run.starts_with("and") ? 3 : 0;
    if (size > 0 && run.size() == size + 1) {
      emit_word(run.substr(0, size), size == 2 ? WordClass::disjunction : WordClass::conjunction);
      return emit(TokenKind::letter, run.substr(size));
    }
  }
  if (char_at(at_) == '{' && (run == "bar" || run == "vec" || run == "hat"))
    return emit(TokenKind::accent, run);
  if (read_known_word(run) || read_known_function(run) || read_unit(run)) return;
  if (all_capitals(run)) return emit(TokenKind::name, run);
  if (is_word(run)) return emit_word(run, WordClass::plain);
  split_letters(run);
}

bool Lexer::read_known_word(std::string_view run) {
  if (all_capitals(run)) return false;
  const auto word = find_word(fold_case(run));
  if (!word) return false;
  const WordClass word_class = word->word_class;
  const bool joins = word_class == WordClass::conjunction || word_class == WordClass::disjunction;
  if (word_class == WordClass::am_pm && !value_before()) return false;
  if (run.size() == 2 && !joins && word_class != WordClass::am_pm && attached(run)) return false;
  emit_word(run, word_class);
  return true;
}

bool Lexer::read_known_function(std::string_view run) {
  if (run == "pi") return emit(TokenKind::letter, run), true;
  if (run == "sqrt" || run == "cbrt") return emit(TokenKind::root, run, run == "sqrt" ? 2 : 3), true;
  if (run == "infinity" || run == "infty" || run == "inf") return emit(TokenKind::infinity, run), true;
  const auto function = find_function(run);
  if (!function)
    return !greek_prefix(run).empty() && greek_prefix(run) == run && (emit(TokenKind::letter, run), true);
  const char next = peek();
  if ((run == "Re" || run == "Im") && next != '(') return false;
  const bool argument = next == '(' || next == '{' || next == '[' || next == '_' || next == '^';
  if ((run == "min" || run == "sec") && value_before() && !argument) {
    return emit_word(run, WordClass::unit), true;
  }
  if (run == "mod" && (value_before() || next != '(')) return emit(TokenKind::modulo, run), true;
  emit(TokenKind::function, run, static_cast<std::uint8_t>(*function));
  return true;
}

bool Lexer::read_unit(std::string_view run) {
  if (!value_before() || (!find_unit(run, false) && !find_unit(fold_case(run), false))) return false;
  emit_word(run, WordClass::unit);
  return true;
}

/// A run of letters that is no product: it has a vowel and at least three letters, and stands free of other
/// mathematics.
bool Lexer::is_word(std::string_view run) const {
  if (run.size() == 2) return is_short_word(run);
  if (run.size() < 3 || !has_vowel(run) || attached(run)) return false;
  if (capitalised(run)) return true;
  if (!std::all_of(run.begin(), run.end(), is_small)) return false;
  for (const std::size_t skip : {0, 1}) {  // sinx, xcosy
    const auto function = function_prefix(run.substr(skip));
    if (function && run.size() - skip - function->name.size() <= 1) return false;
  }
  return true;
}

/// Words of two letters: some wherever blanks are around them (5 of 6), others beside another word only.
bool Lexer::is_short_word(std::string_view run) const {
  constexpr std::string_view kAlways[] = {"of", "to", "by", "in"};
  constexpr std::string_view kBesideWords[] = {"so", "we", "it", "as", "be", "an", "at", "on"};
  const std::string lower = fold_case(run);
  const bool always = std::find(std::begin(kAlways), std::end(kAlways), lower) != std::end(kAlways);
  const bool beside =
      std::find(std::begin(kBesideWords), std::end(kBesideWords), lower) != std::end(kBesideWords);
  if ((!always && !beside) || attached(run)) return false;
  const std::size_t next = after_blanks(at_);
  if (always) return !result_.tokens.empty() || next < tail_;
  const bool word_before = !result_.tokens.empty() && result_.tokens.back().kind == TokenKind::word;
  return word_before || (next > at_ && is_ascii_letter(char_at(next)) && is_ascii_letter(char_at(next + 1)));
}

/// Whether the run, whose end is here, stands beside mathematics that makes letters of it: 2abc, abc^2, abc
/// + 1. A long or capitalised run beside a relation or bracket is a word still: Area = 5, (Alice, Bob).
bool Lexer::attached(std::string_view run) const {
  const bool wordlike = run.size() >= 4 || capitalised(run);
  if (!result_.tokens.empty()) {
    switch (result_.tokens.back().kind) {
      case TokenKind::comma:
      case TokenKind::semicolon:
      case TokenKind::colon:
      case TokenKind::word:
      case TokenKind::row_break:
      case TokenKind::ampersand:
      case TokenKind::point:
        break;
      case TokenKind::relation:
      case TokenKind::open:
        if (!wordlike) return true;
        break;
      case TokenKind::number:
      case TokenKind::letter:
      case TokenKind::name:
      case TokenKind::close:
      case TokenKind::percent:
        if (!blank_) return true;
        break;
      default:
        return true;
    }
  }
  const char next = peek();
  if (is_digit(next) ||
      (next != '\0' && std::string_view("^_([{'!|\\").find(next) != std::string_view::npos)) {
    return true;
  }
  const char operation = char_at(after_blanks(at_));
  if (operation == '=' || operation == '<' || operation == '>') return !wordlike;
  return operation == '+' || operation == '*' || operation == '/' || operation == '-';
}

void Lexer::split_letters(std::string_view run) {
  const bool subscripted = peek() == '_' && run.size() >= 3 && std::all_of(run.begin(), run.end(), is_small);
  if (subscripted && !function_prefix(run)) return emit(TokenKind::letter, run);  // value_{1}
  while (!run.empty() && !result_.refused) {
    std::size_t size = 1;
    if (run.starts_with("sqrt") || run.starts_with("cbrt")) {
      emit(TokenKind::root, run.substr(0, size = 4), run[0] == 's' ? 2 : 3);
    } else if (run.starts_with("pi")) {
      emit(TokenKind::letter, run.substr(0, size = 2));
    } else if (const auto function = function_prefix(run)) {
      size = function->name.size();
      emit(TokenKind::function, function->name, static_cast<std::uint8_t>(function->op));
    } else if (const std::string_view greek = greek_prefix(run); !greek.empty()) {
      emit(TokenKind::letter, run.substr(0, size = greek.size()));
    } else {
      while (size < run.size() && is_capital(run[size]) && is_capital(run[size - 1])) ++size;
      emit(size == 1 ? TokenKind::letter : TokenKind::name, run.substr(0, size));
    }
    run.remove_prefix(size);
  }
}

}  // namespace reckon
