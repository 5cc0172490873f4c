#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

/// One input of a fuzz target; clang's libFuzzer calls it, and replay_main.cpp.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace reckon::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// Ends the program, which is how a fuzz target says that it found something.
inline void require(bool holds, std::string_view property) {
  if (holds) return;
  std::cerr << "fuzz: this does not hold: " << property << "\n";
  std::abort();
}

}  // namespace reckon::fuzz
