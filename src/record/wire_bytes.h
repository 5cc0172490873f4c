#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "reckon/base/describe.h"
#include "reckon/record/version_run.h"

namespace reckon {

/// Bytes are not of the form that they should have.
class WireError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Puts values one behind the other as they lie in memory; a text or a list is its length as u64 and its
/// elements.
class WireWriter {
 public:
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void add(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void add(const VersionRun& run) {
    add(run.first_token);
    add(run.version);
  }
  void add(std::string_view text) {
    add(std::uint64_t{text.size()});
    bytes_ += text;
  }
  template <class T>
  void add(const std::vector<T>& list) {
    add(std::uint64_t{list.size()});
    if constexpr (std::is_arithmetic_v<T>) {
      bytes_.append(reinterpret_cast<const char*>(list.data()), list.size() * sizeof(T));
    } else {
      for (const T& element : list) add(element);
    }
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// Takes them from the front again, and believes none: every length is held against the bytes that are left,
/// every code against its names. \throws WireError
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  template <class T>
  void read(T& value) requires(std::is_arithmetic_v<T>) {
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
  }
  template <class T>
  void read(T& value) requires(std::is_enum_v<T>) {
    std::underlying_type_t<T> code{};
    read(code);
    value = static_cast<T>(code);
    if (enum_name(value) == "?") throw WireError("an unknown code, " + std::to_string(+code));
  }
  void read(VersionRun& run) {
    read(run.first_token);
    read(run.version);
  }
  void read(std::string& text) { text = take(count(1)); }
  template <class T>
  void read(std::vector<T>& list) {
    if constexpr (std::is_arithmetic_v<T>) {
      list.resize(count(sizeof(T)));
      const std::string_view bytes = take(list.size() * sizeof(T));
      if (!bytes.empty()) std::memcpy(list.data(), bytes.data(), bytes.size());
    } else {
      list.resize(count(sizeof(std::uint64_t)));
      for (T& element : list) read(element);
    }
  }
  /// The length of a list, of which each element takes so many bytes at least.
  [[nodiscard]] std::size_t count(std::size_t element_bytes) {
    std::uint64_t value = 0;
    read(value);
    if (value > rest_.size() / element_bytes) throw WireError("a list longer than its message");
    return static_cast<std::size_t>(value);
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  void finish() const {
    if (!rest_.empty()) throw WireError(std::to_string(rest_.size()) + " bytes too many");
  }

 private:
  std::string_view take(std::size_t size) {
    if (size > rest_.size()) throw WireError("a message that ends too soon");
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
};

}  // namespace reckon
