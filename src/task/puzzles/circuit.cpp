#include <algorithm>
#include <array>
#include <map>

#include "words_task.h"

namespace reckon {
namespace {

constexpr std::size_t kMaxInputs = 16;
constexpr std::size_t kMaxGates = 64;
constexpr std::array<std::string_view, 5> kBinary{"AND", "OR", "XOR", "NAND", "NOR"};

struct Level {
  std::size_t num_inputs;
  std::size_t num_gates;
  std::size_t num_asked;  ///< the last gates; each is a fair coin, so a guess is right once in 2^num_asked
};
constexpr std::array<Level, 5> kLevels{{{2, 3, 3}, {3, 5, 4}, {4, 8, 5}, {4, 12, 6}, {5, 20, 8}}};

bool apply(std::string_view operation, bool left, bool right) {
  if (operation == "AND") return left && right;
  if (operation == "OR") return left || right;
  if (operation == "XOR") return left != right;
  if (operation == "NAND") return !(left && right);
  return !(left || right);
}

std::string input_name(std::size_t i) {
  return {static_cast<char>('a' + i)};
}
std::string gate_name(std::size_t i) {
  return "g" + std::to_string(i + 1);
}
char bit(bool value) {
  return value ? '1' : '0';
}

/// The values of all gates of a spec, and which of them are asked for.
struct Circuit {
  std::vector<bool> gates;
  std::size_t num_asked = 0;
};

Circuit read_circuit(const LogicSpec& spec) {
  std::map<std::string, bool> known;
  const std::string& inputs = spec.text("inputs", kMaxInputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i] != '0' && inputs[i] != '1') spec.fail("\"inputs\" is " + inputs + " (need bits 0 and 1)");
    known[input_name(i)] = inputs[i] == '1';
  }
  Circuit circuit;
  for (const auto& entry : spec.list("gates", 1, kMaxGates)) {
    const std::string name = gate_name(circuit.gates.size());
    const auto& gate = spec.list_of(entry, name, 2, 3);
    const std::string& operation = spec.text_of(gate[0], name + "'s operation", 4);
    const bool is_binary = std::find(kBinary.begin(), kBinary.end(), operation) != kBinary.end();
    if (!(is_binary && gate.size() == 3) && !(operation == "NOT" && gate.size() == 2))
      spec.fail(name + " is " + gate.dump() + " (need NOT of one, or AND, OR, XOR, NAND or NOR of two)");
    std::array<bool, 2> operands{};
    for (std::size_t i = 1; i < gate.size(); ++i) {
      const auto source = known.find(spec.text_of(gate[i], name + "'s operand", 8));
      if (source == known.end())
        spec.fail(name + " reads " + gate[i].dump() + " (need an input or an earlier gate)");
      operands[i - 1] = source->second;
    }
    const bool value = is_binary ? apply(operation, operands[0], operands[1]) : !operands[0];
    circuit.gates.push_back(value);
    known[name] = value;
  }
  circuit.num_asked =
      static_cast<std::size_t>(spec.integer("asked", 1, static_cast<std::int64_t>(circuit.gates.size())));
  return circuit;
}

/// Bits one after the other, with blanks, commas or line feeds between them or none; a full stop may end
/// them.
std::optional<std::string> read_bits(std::string_view answer) {
  std::string bits;
  if (answer.ends_with('.')) answer.remove_suffix(1);
  bool after_comma = true;
  for (const char c : answer) {
    if (c == '0' || c == '1') {
      bits += c;
      after_comma = false;
    } else if (c == ',' && !after_comma) {
      after_comma = true;
    } else if (c != ' ' && c != '\n') {
      return std::nullopt;
    }
  }
  if (after_comma) return std::nullopt;
  return bits;
}

std::string with_commas(const std::string& bits) {
  std::string text;
  for (const char c : bits) text += (text.empty() ? "" : ", ") + std::string(1, c);
  return text;
}

/// A gate with a given value. For any values of its operands there are operations of both results, so that
/// every gate can be a fair coin.
nlohmann::json random_gate(const std::map<std::string, bool>& known, bool value, RandomStream& random) {
  std::vector<std::string> names;
  for (const auto& [name, unused] : known) names.push_back(name);
  const std::uint32_t num_sources = static_cast<std::uint32_t>(names.size());
  for (int attempt = 0; attempt < 1000; ++attempt) {
    const std::uint32_t first = random.below(num_sources);
    const std::uint32_t operation = random.below(static_cast<std::uint32_t>(kBinary.size()) + 1);
    if (operation == kBinary.size()) {
      if (known.at(names[first]) != value) return {"NOT", names[first]};
      continue;
    }
    std::uint32_t second = random.below(num_sources - 1);
    if (second >= first) ++second;
    if (apply(kBinary[operation], known.at(names[first]), known.at(names[second])) != value) continue;
    return {kBinary[operation], names[std::min(first, second)], names[std::max(first, second)]};
  }
  const bool is_one = known.at(names[0]) && known.at(names[1]);
  return {is_one == value ? "AND" : "NAND", names[0], names[1]};
}

std::string gate_text(const nlohmann::json& gate) {
  const auto word = [&](std::size_t i) { return gate[i].get<std::string>(); };
  return gate.size() == 2 ? "NOT " + word(1) : word(1) + " " + word(0) + " " + word(2);
}

class CircuitTask final : public WordsTask {
 public:
  explicit CircuitTask(std::string name) : WordsTask(std::move(name), TaskKind::circuit) {}

  /// The last bit the other way round.
  [[nodiscard]] std::string wrong_answer(const Problem& problem) const override {
    std::string answer = problem.answer;
    answer.back() = answer.back() == '0' ? '1' : '0';
    return answer;
  }

 protected:
  [[nodiscard]] Grade judge(const LogicSpec& spec, std::string_view answer) const override {
    const Circuit circuit = read_circuit(spec);
    std::string right;
    for (std::size_t i = circuit.gates.size() - circuit.num_asked; i < circuit.gates.size(); ++i)
      right += bit(circuit.gates[i]);
    return read_bits(answer) == right ? Grade::equal : Grade::different;
  }

  /// Of each gate the operations on pairs of the sources before it, and NOT.
  [[nodiscard]] std::optional<std::uint64_t> count_problems(std::int64_t level) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    if (level > 3) return std::nullopt;  // more than 2^64
    std::uint64_t count = std::uint64_t{1} << l.num_inputs;
    for (std::size_t sources = l.num_inputs; sources < l.num_inputs + l.num_gates; ++sources)
      count *= kBinary.size() * sources * (sources - 1) / 2 + sources;
    return count;
  }

  [[nodiscard]] Draft draw(std::int64_t level, RandomStream& random) const override {
    const Level& l = kLevels.at(static_cast<std::size_t>(level - 1));
    std::map<std::string, bool> known;
    std::string inputs;
    std::vector<std::string> given;
    std::string steps = "Inputs:";
    for (std::size_t i = 0; i < l.num_inputs; ++i) {
      inputs += bit(known[input_name(i)] = random.below(2) == 1);
      given.push_back(input_name(i) + " = " + inputs.back());
    }
    steps += " " + words_joined(given, ", ") + ".";
    nlohmann::json gates = nlohmann::json::array();
    std::string lines;
    std::vector<std::string> asked;
    std::string bits;
    for (std::size_t i = 0; i < l.num_gates; ++i) {
      const bool value = random.below(2) == 1;
      const nlohmann::json gate = random_gate(known, value, random);
      const auto shown = [&](std::size_t k) {
        return std::string(1, bit(known.at(gate[k].get<std::string>())));
      };
      lines += gate_name(i) + " = " + gate_text(gate) + "\n";
      steps += "\n" + gate_name(i) + " = " + gate_text(gate) + " = " +
               (gate.size() == 2 ? "NOT " + shown(1)
                                 : shown(1) + " " + gate[0].get<std::string>() + " " + shown(2)) +
               " = " + bit(value);
      known[gate_name(i)] = value;
      gates.push_back(gate);
      if (i + l.num_asked < l.num_gates) continue;
      asked.push_back(gate_name(i));
      bits += bit(value);
    }
    std::string form;  // differs from the solution
    for (std::size_t i = 0; i < bits.size(); ++i) form += i % 2 == 0 ? '0' : '1';
    if (form == bits) std::reverse(form.begin(), form.end());
    if (form == bits) form.back() = '1';
    return {.prompt = "A logic circuit has the inputs " + words_list(given) +
                      ". Each gate reads inputs or earlier gates:\n" + lines +
                      "NAND is NOT of AND, and NOR is NOT of OR. What are the values of " +
                      words_list(asked) +
                      "? Answer with their bits in this order, separated by commas, in a form like " +
                      with_commas(form) + ".",
            .spec = nlohmann::json{{"inputs", inputs}, {"gates", gates}, {"asked", l.num_asked}}.dump(),
            .answer = with_commas(bits),
            .steps = std::move(steps)};
  }
};

}  // namespace

std::unique_ptr<Task> make_circuit_task(std::string name) {
  return std::make_unique<CircuitTask>(std::move(name));
}

}  // namespace reckon
