// Any bytes as a tokenizer.json and, behind a NUL, a text to encode.
#include <span>
#include <string>
#include <vector>

#include "reckon/text/tokenizer.h"
#include "reckon/text/utf8.h"
#include "refusals.h"

namespace reckon::fuzz {
namespace {

constexpr std::string_view kFile = "t.json";

void check_text(const Tokenizer& tokenizer, std::string_view text, AddSpecials specials) {
  const auto encode = [&] { return tokenizer.encode(text, specials); };
  const auto ids = accepted(ExitCode::bad_data, "", encode);
  if (!ids) return;
  std::string bytes;
  for (const std::uint32_t id : *ids) {
    require(tokenizer.is_token(id), "a text is encoded as tokens");
    bytes += tokenizer.token_bytes(id);
  }
  require(encode() == *ids, "a text is encoded the same twice");
  const std::string decoded = tokenizer.decode(*ids);
  require(decoded == utf8_with_replacements(bytes), "tokens are decoded as their bytes are");
  require(tokenizer.decode(*ids, SpecialTokens::skip).size() <= decoded.size(),
          "a skipped token has no text");
}

void check_tokens(const Tokenizer& tokenizer, std::size_t file_bytes) {
  const std::size_t rows = tokenizer.vocab_size();
  require(rows <= std::size_t{1} << 32, "an id has 32 bits");
  std::size_t num_tokens = 0;
  for (std::size_t row = 0; row < std::min<std::size_t>(rows, 1000); ++row) {
    const auto id = static_cast<std::uint32_t>(row);
    if (!tokenizer.is_token(id)) continue;
    ++num_tokens;
    require(is_utf8(tokenizer.decode(std::span(&id, 1))), "a token is decoded as text");
    require(tokenizer.token_bytes(id).size() <= file_bytes, "a token is no longer than its file");
    static_cast<void>(tokenizer.is_special(id));
  }
  require(num_tokens <= file_bytes, "a file has fewer tokens than bytes");
  require(!tokenizer.is_token(static_cast<std::uint32_t>(rows)), "the rows are all there are");
}

void check_file(std::string_view json, std::string_view text) {
  const auto tokenizer =
      accepted(ExitCode::bad_data, "t.json: ", [&] { return Tokenizer::from_json(json, kFile, ""); });
  if (!tokenizer) return;
  require(tokenizer->to_json() == json, "a tokenizer keeps its file");
  check_tokens(*tokenizer, json.size());
  for (const AddSpecials specials : {AddSpecials::no, AddSpecials::yes}) {
    check_text(*tokenizer, text, specials);
    check_text(*tokenizer, "<s> ab1 a'S <m\xC3\xA9> ba\n\n 11 e\xCC\x81\xFF<m\xC3\xA9><s>", specials);
    check_text(*tokenizer, "", specials);
  }
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = reckon::fuzz::text_of(data, size);
  const std::size_t nul = text.find('\0');
  reckon::fuzz::check_file(text.substr(0, nul), nul == std::string_view::npos ? "" : text.substr(nul + 1));
  return 0;
}
