#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace reckon {

/// SHA-256 (FIPS 180-4) of bytes given piece by piece; OpenSSL's.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  /// The bytes of plain values as they lie in memory (little-endian on every machine we support).
  template <class T>
  void update_values(std::span<const T> values) {
    update(std::as_bytes(values));
  }
  /// The digest as 64 lower-case hexadecimal digits. The object takes no more bytes afterwards.
  [[nodiscard]] std::string hex_digest();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

[[nodiscard]] std::string sha256_hex(std::string_view bytes);

/// Of what a file holds. \throws Error(io) where it cannot be read.
[[nodiscard]] std::string sha256_of_file(const std::filesystem::path& path);

}  // namespace reckon
