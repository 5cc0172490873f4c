#include "parse_answer.h"

#include <algorithm>

#include "characters.h"
#include "lexer.h"
#include "parser.h"

namespace reckon {
namespace {

ParsedAnswer failure(ParseStatus status, std::string reason) {
  ParsedAnswer answer;
  answer.status = status;
  answer.reason = std::move(reason);
  return answer;
}

/// YES and NO are names of segments within mathematics, but words where they are the whole answer.
void read_capital_word(Expr& expr) {
  if (expr.op != Op::symbol || expr.name.size() < 2) return;
  const std::string folded = fold_case(expr.name);
  const auto word = find_word(folded);
  if (word && word->word_class == WordClass::statement) expr = make_text(folded);
}

}  // namespace

ParsedAnswer parse_answer(std::string_view text, Comma comma, const ParseLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return failure(ParseStatus::refused, "an answer of " + std::to_string(text.size()) + " bytes (limit " +
                                             std::to_string(limits.max_bytes) + ")");
  }
  const PlainText plain = plain_text(text);
  if (plain.refused) return failure(ParseStatus::refused, plain.reason);
  Tokens tokens = tokenize(plain.view(text), limits);
  if (tokens.refused) return failure(ParseStatus::refused, tokens.reason);
  if (tokens.tokens.size() == 1) return failure(ParseStatus::empty, "no answer but markup");
  Parser parser(tokens.tokens, comma, limits);
  ParsedAnswer answer;
  answer.expr = parser.parse_whole();
  if (parser.status() == ParseStatus::ok) {
    answer.status = ParseStatus::ok;
    read_capital_word(answer.expr);
    return answer;
  }
  if (parser.status() == ParseStatus::malformed && tokens.has_word) {
    // Words that are no mathematics. \frac12 took its digits out of the tokens, so that they are read again.
    tokens = tokenize(plain.view(text), limits);
    answer.status = ParseStatus::ok;
    answer.expr =
        make_text(folded_text(tokens.tokens.data(), tokens.tokens.data() + tokens.tokens.size() - 1));
    return answer;
  }
  return failure(parser.status(), parser.reason());
}

}  // namespace reckon
