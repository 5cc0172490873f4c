#include "reckon/model/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <tuple>

#include "json_text.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "safetensors_header.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are used as they lie in memory");

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the reference implementation
constexpr std::size_t kSizeBytes = 8;

struct DtypeEntry {
  TensorDtype dtype;
  std::string_view name;
  std::size_t size;
};
constexpr std::array kDtypes = {
    DtypeEntry{TensorDtype::boolean, "BOOL", 1},    DtypeEntry{TensorDtype::u8, "U8", 1},
    DtypeEntry{TensorDtype::i8, "I8", 1},           DtypeEntry{TensorDtype::f8_e4m3, "F8_E4M3", 1},
    DtypeEntry{TensorDtype::f8_e5m2, "F8_E5M2", 1}, DtypeEntry{TensorDtype::u16, "U16", 2},
    DtypeEntry{TensorDtype::i16, "I16", 2},         DtypeEntry{TensorDtype::f16, "F16", 2},
    DtypeEntry{TensorDtype::bf16, "BF16", 2},       DtypeEntry{TensorDtype::u32, "U32", 4},
    DtypeEntry{TensorDtype::i32, "I32", 4},         DtypeEntry{TensorDtype::f32, "F32", 4},
    DtypeEntry{TensorDtype::u64, "U64", 8},         DtypeEntry{TensorDtype::i64, "I64", 8},
    DtypeEntry{TensorDtype::f64, "F64", 8}};

const DtypeEntry& dtype_entry(TensorDtype dtype) {
  return *std::find_if(kDtypes.begin(), kDtypes.end(),
                       [&](const auto& entry) { return entry.dtype == dtype; });
}

/// Bytes of a shape; nothing where the product does not fit 63 bits.
template <class Size>
std::optional<std::uint64_t> bytes_of(std::span<const Size> shape, std::size_t element) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t bytes = element;
  bool empty = false;
  for (const Size size : shape) {
    const auto factor = static_cast<std::uint64_t>(size);
    if (factor > kMost) return std::nullopt;  // also a negative size
    if (factor == 0) {
      empty = true;
    } else if (bytes > kMost / factor) {
      return std::nullopt;
    } else {
      bytes *= factor;
    }
  }
  return empty ? 0 : bytes;
}

/// Files that are often found under this name, told by how they begin. Read as a header size, each of these
/// beginnings is far over the limit, so that no safetensors file begins so.
void check_not_another_format(std::string_view bytes, const std::string& where) {
  struct Beginning {
    std::string_view bytes;
    std::string_view what;
  };
  using namespace std::string_view_literals;
  constexpr std::array kBeginnings = {
      Beginning{"version https://git-lfs"sv,
                "is a Git LFS pointer, not the weights (need the file itself). Run `git lfs pull` where it "
                "was cloned"},
      Beginning{"<!doctype"sv,
                "is a web page, not weights. Was it saved from a page instead of a download link?"},
      Beginning{"<html"sv,
                "is a web page, not weights. Was it saved from a page instead of a download link?"},
      Beginning{"{\"error\""sv, "is an error message of a server, not weights. Download it again"},
      Beginning{"PK\x03\x04\0"sv,
                "is a zip archive, as torch.save writes it (need safetensors). Convert it first"},
  };
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  for (const auto& beginning : kBeginnings) {
    const auto head = bytes.substr(0, beginning.bytes.size());
    const bool found = std::equal(head.begin(), head.end(), beginning.bytes.begin(), beginning.bytes.end(),
                                  [&](char a, char b) { return lower(a) == lower(b); });
    if (found) throw Error(ExitCode::bad_data, where + ": " + std::string(beginning.what));
  }
}

/// The header's JSON text.
std::string_view header_of(std::string_view bytes, const std::string& where) {
  const auto fail = [&](const std::string& what) { throw Error(ExitCode::bad_data, where + ": " + what); };
  check_not_another_format(bytes, where);
  if (bytes.size() < kSizeBytes) {
    fail("only " + std::to_string(bytes.size()) + " bytes long (need at least 8). Was the download cut off?");
  }
  std::uint64_t size = 0;
  std::memcpy(&size, bytes.data(), kSizeBytes);
  if (size > kMaxHeaderBytes) {
    fail("header size " + std::to_string(size) + " is over the limit of " + std::to_string(kMaxHeaderBytes) +
         " bytes. Is this a safetensors file?");
  }
  if (size > bytes.size() - kSizeBytes) {
    fail("ends within its header: " + std::to_string(bytes.size() - kSizeBytes) + " of " +
         std::to_string(size) + " bytes are there. Was the download cut off?");
  }
  const auto header = bytes.substr(kSizeBytes, size);
  if (!header.starts_with('{')) fail("the header does not begin with { (need a JSON object)");
  return header.substr(0, header.find_last_not_of(' ') + 1);
}

/// One entry of the header, all of it checked but its place among the others.
struct Placed {
  TensorView view;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Placed place_entry(const HeaderEntry& entry, std::uint64_t data_size, const std::string& where) {
  const auto fail = [&](const std::string& what) {
    throw Error(ExitCode::bad_data, where + ": tensor " + shown(entry.name) + ": " + what);
  };
  if (!entry.dtype) fail("has no dtype");
  if (!entry.shape) fail("has no shape");
  if (!entry.offsets) fail("has no data_offsets");
  const auto dtype = std::find_if(kDtypes.begin(), kDtypes.end(),
                                  [&](const auto& known) { return known.name == *entry.dtype; });
  if (dtype == kDtypes.end()) fail("unknown dtype " + shown(*entry.dtype));
  if (entry.offsets->size() != 2) {
    fail("data_offsets has " + std::to_string(entry.offsets->size()) + " numbers (need begin and end)");
  }
  const std::uint64_t begin = entry.offsets->front();
  const std::uint64_t end = entry.offsets->back();
  const std::string span = "[" + std::to_string(begin) + ", " + std::to_string(end) + "]";
  if (begin > end) fail("data_offsets " + span + " run backwards");
  const auto bytes = bytes_of(std::span(*entry.shape), dtype->size);
  if (!bytes) fail("its shape has more bytes than 63 bits can count");
  const std::vector<std::int64_t> shape(entry.shape->begin(), entry.shape->end());
  if (*bytes != end - begin) {
    fail("shape " + shape_text(shape) + " of " + *entry.dtype + " takes " + std::to_string(*bytes) +
         " bytes but data_offsets " + span + " span " + std::to_string(end - begin));
  }
  if (end > data_size) {
    fail("data_offsets " + span + " end behind the data, which are " + std::to_string(data_size) +
         " bytes. Was the download cut off?");
  }
  return {{.name = entry.name, .dtype = dtype->dtype, .shape = shape, .data = {}}, begin, end};
}

/// Every byte of the data must belong to exactly one tensor.
void check_cover(std::vector<Placed>& placed, std::uint64_t data_size, const std::string& where) {
  std::sort(placed.begin(), placed.end(), [](const Placed& a, const Placed& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::uint64_t covered = 0;
  const auto fail = [&](const std::string& what) { throw Error(ExitCode::bad_data, where + ": " + what); };
  for (const auto& [view, begin, end] : placed) {
    if (begin == covered) {
      covered = end;
      continue;
    }
    fail("tensor " + shown(view.name) + ": begins at byte " + std::to_string(begin) +
         " of the data but the one before " +
         (begin < covered ? "overlaps it, ending at " : "leaves a hole, ending at ") +
         std::to_string(covered));
  }
  if (covered != data_size) {
    fail("the tensors end at byte " + std::to_string(covered) + " of the data, which are " +
         std::to_string(data_size) + " bytes (need them equal). Was something appended?");
  }
}

std::shared_ptr<const std::byte> map_file(const fs::path& path, std::size_t& size) {
  std::error_code ignored;
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) {
    throw Error(ExitCode::missing_input, path.string() + ": is not a regular file (need a safetensors file)");
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw system_error(ExitCode::missing_input, path.string() + ": cannot read", errno);
  struct stat status {};
  void* bytes = MAP_FAILED;
  int error = fstat(fd, &status) == 0 ? 0 : errno;
  size = static_cast<std::size_t>(status.st_size);
  if (error == 0 && size > 0) {
    bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) error = errno;
  }
  close(fd);
  if (error != 0)
    throw system_error(ExitCode::missing_input, path.string() + ": cannot map into memory", error);
  if (size == 0) throw Error(ExitCode::bad_data, path.string() + ": is empty (need a safetensors file)");
  return {static_cast<const std::byte*>(bytes),
          [size](const std::byte* start) { munmap(const_cast<std::byte*>(start), size); }};
}

}  // namespace

std::string_view dtype_name(TensorDtype dtype) {
  return dtype_entry(dtype).name;
}

std::size_t dtype_size(TensorDtype dtype) {
  return dtype_entry(dtype).size;
}

std::string shape_text(std::span<const std::int64_t> shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

SafetensorsFile SafetensorsFile::open(const fs::path& path) {
  std::size_t size = 0;
  auto mapping = map_file(path, size);
  return from_memory(std::move(mapping), size, path);
}

SafetensorsFile SafetensorsFile::from_memory(std::shared_ptr<const std::byte> memory, std::size_t size,
                                             const fs::path& path) {
  SafetensorsFile file;
  file.path_ = path;
  file.mapping_ = std::move(memory);
  const std::string where = path.string();
  const std::string_view bytes(reinterpret_cast<const char*>(file.mapping_.get()), size);
  const auto header = header_of(bytes, where);
  HeaderContent content = read_header(header, where);

  std::uint64_t header_size = 0;
  std::memcpy(&header_size, bytes.data(), kSizeBytes);
  const std::byte* data = file.mapping_.get() + kSizeBytes + header_size;
  const std::uint64_t data_size = size - kSizeBytes - header_size;
  std::vector<Placed> placed;
  for (const auto& entry : content.entries) placed.push_back(place_entry(entry, data_size, where));
  check_cover(placed, data_size, where);
  for (auto& [view, begin, end] : placed) {
    view.data = {data + begin, end - begin};
    file.tensors_.push_back(std::move(view));
  }
  std::sort(file.tensors_.begin(), file.tensors_.end(),
            [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  file.metadata_ = std::move(content.metadata);
  return file;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const TensorView& view, std::string_view key) { return view.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

void write_safetensors(const fs::path& path, std::span<const TensorView> tensors) {
  const auto refuse = [](const std::string& what) {
    throw std::invalid_argument("write_safetensors: " + what);
  };
  std::vector<const TensorView*> order;
  for (const TensorView& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    return std::make_pair(dtype_size(b->dtype), std::string_view(a->name)) <
           std::make_pair(dtype_size(a->dtype), std::string_view(b->name));
  });
  nlohmann::ordered_json header;
  header[std::string(kMetadataKey)] = {{"format", "pt"}};
  std::set<std::string_view> names = {kMetadataKey};
  std::uint64_t offset = 0;
  for (const TensorView* tensor : order) {
    if (!names.insert(tensor->name).second)
      refuse("the name " + shown(tensor->name) + " is double or reserved");
    const auto bytes = bytes_of(std::span(tensor->shape), dtype_size(tensor->dtype));
    if (bytes != tensor->data.size()) {
      refuse("tensor " + shown(tensor->name) + " of shape " + shape_text(tensor->shape) + " has " +
             std::to_string(tensor->data.size()) + " bytes");
    }
    header[tensor->name] = {{"dtype", dtype_name(tensor->dtype)},
                            {"shape", tensor->shape},
                            {"data_offsets", {offset, offset + *bytes}}};
    offset += *bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_size = text.size();
  write_file_atomic(path, [&](const ByteSink& sink) {
    sink({reinterpret_cast<const char*>(&header_size), kSizeBytes});
    sink(text);
    for (const TensorView* tensor : order) {
      sink({reinterpret_cast<const char*>(tensor->data.data()), tensor->data.size()});
    }
  });
}

std::vector<std::string> tensor_mismatches(std::span<const TensorView> tensors,
                                           std::span<const TensorSpec> expected) {
  std::vector<std::string> lines;
  std::set<std::string_view> names;
  std::map<std::string_view, const TensorView*> by_name;
  for (const TensorView& view : tensors) by_name[view.name] = &view;
  for (const TensorSpec& spec : expected) {
    names.insert(spec.name);
    const auto place = by_name.find(spec.name);
    const TensorView* found = place == by_name.end() ? nullptr : place->second;
    if (found == nullptr) {
      lines.push_back("tensor " + shown(spec.name) + " is missing (need shape " + shape_text(spec.shape) +
                      ")");
    } else if (found->shape != spec.shape) {
      lines.push_back("tensor " + shown(spec.name) + " has shape " + shape_text(found->shape) + " (need " +
                      shape_text(spec.shape) + ")");
    }
  }
  for (const TensorView& view : tensors) {
    if (!names.contains(view.name)) {
      lines.push_back("tensor " + shown(view.name) + " of shape " + shape_text(view.shape) +
                      " is not part of the model");
    }
  }
  return lines;
}

}  // namespace reckon
