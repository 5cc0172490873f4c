#pragma once

#include <cstddef>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace reckon {

namespace jinja {
struct Program;
}

/// What one rendering of a template may spend: templates come with models, from strangers.
struct TemplateLimits {
  std::size_t steps = 10'000'000;  ///< evaluated nodes, loop iterations, list items, 32-byte pieces of text
  std::size_t depth = 100;         ///< macros that call each other; values nested in each other
  std::size_t output_bytes = std::size_t{64} << 20;  ///< of the output, and of every text on the way
};

/// A chat template: the subset of Jinja2 that Hugging Face chat templates use, with the meaning it has in
/// `transformers` (jinja2 3.1, ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, loop controls, the
/// `generation` tag; `tojson` keeps characters and key order). Immutable, thread-safe; copies are cheap.
///
/// Statements: if, for (with filter and else), set, macro, filter, with, break, continue, generation, raw.
/// Differences from Python, all deliberate: integers have 128 bits (beyond: an error); names are ASCII; upper
/// and lower case are known for Latin (up to U+017F and U+1E00..U+1EFF), Greek, Cyrillic, Armenian and
/// full-width letters, other letters stay; repr() takes unassigned code points for printable; the text of a
/// function or a generator is an error; so is every access to a name like `__class__`.
class ChatTemplate {
 public:
  /// \param source  UTF-8 text. \param where  its name, for messages.
  /// \throws Error(bad_data) "<where>:<line>: ..." for a syntax error or a statement, filter, test or method
  ///         that is not supported, by name.
  [[nodiscard]] static ChatTemplate parse(std::string_view source, std::string_view where);

  /// \param variables  an object: messages, tools, add_generation_prompt, bos_token, enable_thinking, ...
  /// \throws Error(bad_data) "<where>:<line>: ..." where the template fails, exceeds a limit or calls
  ///         raise_exception ("<where>: <its message> (raised by the template, line N)").
  [[nodiscard]] std::string render(const nlohmann::ordered_json& variables,
                                   const TemplateLimits& limits = {}) const;

  [[nodiscard]] const std::string& source() const;

 private:
  explicit ChatTemplate(std::shared_ptr<const jinja::Program> program) : program_(std::move(program)) {}
  std::shared_ptr<const jinja::Program> program_;
};

}  // namespace reckon
