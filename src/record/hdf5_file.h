#pragma once

#include <hdf5.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reckon/base/error.h"

namespace reckon::hdf5 {

/// A handle of the HDF5 library that closes itself; errors of that late closing are lost, call close() to see
/// them.
class Handle {
 public:
  using Closer = herr_t (*)(hid_t);
  Handle() = default;
  Handle(hid_t id, Closer closer) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      static_cast<void>(close());
      id_ = std::exchange(other.id_, H5I_INVALID_HID);
      closer_ = other.closer_;
    }
    return *this;
  }
  ~Handle() { static_cast<void>(close()); }

  [[nodiscard]] hid_t get() const { return id_; }
  [[nodiscard]] herr_t close() {
    const hid_t id = std::exchange(id_, H5I_INVALID_HID);
    return id < 0 ? 0 : closer_(id);
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
  Closer closer_ = nullptr;
};

/// What an error message begins with, and the exit code of the error: io for a writer, bad_data for a reader.
struct Context {
  std::string path;
  ExitCode code = ExitCode::io;
};

/// Throws `<path>: cannot <doing>: <reason of the library>`.
[[noreturn]] void fail(const Context& context, const std::string& doing);

/// A SHA-256 as 64 hexadecimal digits, or all zero bytes where there is none.
using HexDigest = std::array<char, 64>;

/// The type of T in memory, which is the type in the file as well (little-endian machines only).
template <class T>
hid_t type_of();
template <>
hid_t type_of<char>();
template <>
hid_t type_of<std::uint8_t>();
template <>
hid_t type_of<std::uint32_t>();
template <>
hid_t type_of<std::uint64_t>();
template <>
hid_t type_of<std::int64_t>();
template <>
hid_t type_of<float>();
template <>
hid_t type_of<HexDigest>();

/// A one-dimensional dataset that grows.
class Dataset {
 public:
  Dataset() = default;
  Dataset(std::shared_ptr<const Context> context, std::string name, Handle id, hid_t type, hsize_t size);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] hsize_t size() const { return size_; }
  /// Adds `count` elements at the end, and makes them visible to readers (H5Dflush).
  void append_and_flush(const void* elements, hsize_t count);
  /// Reads elements first .. first + count - 1, which must be there.
  void read(void* elements, hsize_t first, hsize_t count) const;

 private:
  std::shared_ptr<const Context> context_;
  std::string name_;
  Handle id_;
  hid_t type_ = H5I_INVALID_HID;
  hsize_t size_ = 0;
};

/// A file. Its datasets may outlive it, but then the file is closed only with the last of them.
class File {
 public:
  /// Makes a file, in the place of one that is there, in the latest format, which keeps checksums of its
  /// metadata. \throws Error(io).
  static File create(const std::filesystem::path& path);
  /// Makes a file that will be read while it is written and may be left at any moment: its smaller blocks of
  /// metadata do not cross the edges of pages, where a process that is killed in a write stops.
  /// \param shown_as  the name in messages, for a file that is renamed while it is open
  /// \throws Error(io), also where the file is there.
  static File create_live(const std::filesystem::path& path, const std::filesystem::path& shown_as);
  /// Opens a closed file, or with `swmr` one that has, or had when it died, a SWMR writer.
  /// \throws Error(missing_input) where there is no file, Error(code) for anything else.
  static File open(const std::filesystem::path& path, bool swmr, ExitCode code);

  [[nodiscard]] const Context& context() const { return *context_; }
  /// From here on other processes may read while this one appends; no dataset or attribute can be added.
  void start_swmr_write();
  /// Closes what is left open. \throws Error where the last bytes cannot be written.
  void close();

  void make_group(const std::string& name);
  /// Makes the groups on the way too. \param chunk  elements of a chunk: what is compressed and checked as
  /// one.
  Dataset make_dataset(const std::string& name, hid_t type, hsize_t chunk);
  /// \param name  "group/name"
  [[nodiscard]] bool has_dataset(const std::string& name) const;
  /// \throws Error(bad_data) where it is not a one-dimensional dataset of this type.
  [[nodiscard]] Dataset open_dataset(const std::string& name, hid_t type) const;

  /// A text that is written once, as a scalar dataset.
  void write_text(const std::string& name, const std::string& text);
  [[nodiscard]] std::string read_text(const std::string& name) const;
  /// Attributes of an object ("/" is the file's root).
  void write_attribute(const std::string& object, const std::string& name, const std::string& text);
  void write_attribute(const std::string& object, const std::string& name, std::uint64_t number);
  [[nodiscard]] std::string read_text_attribute(const std::string& object, const std::string& name) const;
  [[nodiscard]] std::uint64_t read_number_attribute(const std::string& object, const std::string& name) const;

 private:
  static File make(const std::filesystem::path& path, unsigned flags, hid_t layout, Context context);
  File(std::shared_ptr<const Context> context, Handle id)
      : context_(std::move(context)), id_(std::move(id)) {}
  [[nodiscard]] std::string read_text_of(hid_t object, bool attribute, const std::string& what) const;

  std::shared_ptr<const Context> context_;
  Handle id_;
};

/// A dataset of T with the rows that wait to be appended.
template <class T>
struct Column {
  Dataset dataset;
  std::vector<T> pending;

  [[nodiscard]] const std::string& name() const { return dataset.name(); }
  [[nodiscard]] std::uint64_t size() const { return dataset.size(); }
  void commit() {
    if (pending.empty()) return;
    dataset.append_and_flush(pending.data(), pending.size());
    pending.clear();
  }
  [[nodiscard]] std::vector<T> read(std::uint64_t first, std::uint64_t count) const {
    std::vector<T> elements(count);
    if (count != 0) dataset.read(elements.data(), first, count);
    return elements;
  }
};

}  // namespace reckon::hdf5
