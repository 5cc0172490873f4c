#include "hdf5_file.h"

#include <algorithm>
#include <bit>

namespace reckon::hdf5 {
namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "rollout logs are written as values lie in memory");

namespace {

/// How often a reader beside a writer reads a block of metadata whose checksum does not hold, which may be
/// one that is just being written. The library waits 1 ns after the first time and twice as long after each
/// further one: 30 come to a second. Its own 100 would never end on a block that is damaged, or that a killed
/// writer left half written.
constexpr unsigned kMetadataReadAttempts = 30;

/// Of the page cache, at whose edges a killed process stops writing.
constexpr hsize_t kPageBytes = 4096;

/// The innermost message that the library left, which for a failed system call is the system's own text.
std::string library_reason() {
  std::string reason = "no reason given";
  const auto visit = [](unsigned, const H5E_error2_t* entry, void* out) -> herr_t {
    if (entry->desc != nullptr && entry->desc[0] != '\0') *static_cast<std::string*>(out) = entry->desc;
    return 0;
  };
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, visit, &reason);
  constexpr std::string_view kSystemText = "error message = '";
  const std::size_t start = reason.find(kSystemText);
  if (start == std::string::npos) return reason;
  const std::string text = reason.substr(start + kSystemText.size());
  return text.substr(0, text.find('\''));
}

/// Must come before the first file of the process.
void set_up_library() {
  // A file that a full disk kept from closing stays in the library's list, half freed; its clean-up at exit
  // would crash on it, and the exit code with it. We close all that we open.
  static const bool once = H5dont_atexit() >= 0;
  static_cast<void>(once);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);  // errors are thrown, not printed
}

/// Turns a negative handle into an error, any other into an owner.
Handle owned(hid_t id, Handle::Closer closer, const Context& context, const std::string& doing) {
  if (id < 0) fail(context, doing);
  return {id, closer};
}

Handle text_type(std::size_t size, const Context& context) {
  Handle type = owned(H5Tcopy(H5T_C_S1), H5Tclose, context, "make a text type");
  if (H5Tset_size(type.get(), std::max<std::size_t>(size, 1)) < 0 ||
      H5Tset_strpad(type.get(), H5T_STR_NULLPAD) < 0 || H5Tset_cset(type.get(), H5T_CSET_UTF8) < 0) {
    fail(context, "make a text type of " + std::to_string(size) + " bytes");
  }
  return type;
}

}  // namespace

void fail(const Context& context, const std::string& doing) {
  throw Error(context.code, context.path + ": cannot " + doing + ": " + library_reason());
}

template <>
hid_t type_of<char>() {
  return H5T_NATIVE_UINT8;
}
template <>
hid_t type_of<std::uint8_t>() {
  return H5T_NATIVE_UINT8;
}
template <>
hid_t type_of<std::uint32_t>() {
  return H5T_NATIVE_UINT32;
}
template <>
hid_t type_of<std::uint64_t>() {
  return H5T_NATIVE_UINT64;
}
template <>
hid_t type_of<std::int64_t>() {
  return H5T_NATIVE_INT64;
}
template <>
hid_t type_of<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
hid_t type_of<HexDigest>() {
  static const hid_t type = [] {
    const hid_t made = H5Tcopy(H5T_C_S1);
    H5Tset_size(made, sizeof(HexDigest));
    H5Tset_strpad(made, H5T_STR_NULLPAD);
    return made;
  }();
  return type;
}

Dataset::Dataset(std::shared_ptr<const Context> context, std::string name, Handle id, hid_t type,
                 hsize_t size)
    : context_(std::move(context)), name_(std::move(name)), id_(std::move(id)), type_(type), size_(size) {}

void Dataset::append_and_flush(const void* elements, hsize_t count) {
  const std::string doing = "append to " + name_;
  const hsize_t new_size = size_ + count;
  if (H5Dset_extent(id_.get(), &new_size) < 0) fail(*context_, doing);
  const Handle file_space = owned(H5Dget_space(id_.get()), H5Sclose, *context_, doing);
  const Handle memory_space = owned(H5Screate_simple(1, &count, nullptr), H5Sclose, *context_, doing);
  if (H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, &size_, nullptr, &count, nullptr) < 0 ||
      H5Dwrite(id_.get(), type_, memory_space.get(), file_space.get(), H5P_DEFAULT, elements) < 0 ||
      H5Dflush(id_.get()) < 0) {
    fail(*context_, doing);
  }
  size_ = new_size;
}

void Dataset::read(void* elements, hsize_t first, hsize_t count) const {
  const std::string doing = "read " + name_;
  const Handle file_space = owned(H5Dget_space(id_.get()), H5Sclose, *context_, doing);
  const Handle memory_space = owned(H5Screate_simple(1, &count, nullptr), H5Sclose, *context_, doing);
  if (H5Sselect_hyperslab(file_space.get(), H5S_SELECT_SET, &first, nullptr, &count, nullptr) < 0 ||
      H5Dread(id_.get(), type_, memory_space.get(), file_space.get(), H5P_DEFAULT, elements) < 0) {
    fail(*context_, doing);
  }
}

File File::create(const fs::path& path) {
  set_up_library();
  return make(path, H5F_ACC_TRUNC, H5P_DEFAULT, Context{path.string(), ExitCode::io});
}

File File::create_live(const fs::path& path, const fs::path& shown_as) {
  set_up_library();
  const Context context{shown_as.string(), ExitCode::io};
  const Handle layout = owned(H5Pcreate(H5P_FILE_CREATE), H5Pclose, context, "make the file");
  if (H5Pset_file_space_strategy(layout.get(), H5F_FSPACE_STRATEGY_PAGE, 0, 1) < 0 ||
      H5Pset_file_space_page_size(layout.get(), kPageBytes) < 0) {
    fail(context, "make the file");
  }
  return make(path, H5F_ACC_EXCL, layout.get(), context);
}

File File::make(const fs::path& path, unsigned flags, hid_t layout, Context context) {
  auto shared = std::make_shared<const Context>(std::move(context));
  const Handle access = owned(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, *shared, "make the file");
  if (H5Pset_libver_bounds(access.get(), H5F_LIBVER_LATEST, H5F_LIBVER_LATEST) < 0)
    fail(*shared, "make the file");
  // The default, 1 MiB of chunks for each dataset, would be filled by chunks that are never read again. This
  // is the largest chunk of a log.
  constexpr std::size_t kCachedChunks = 128 << 10;
  if (H5Pset_cache(access.get(), 0, 521, kCachedChunks, 0.75) < 0) fail(*shared, "make the file");
  const hid_t id = H5Fcreate(path.c_str(), flags, layout, access.get());
  return {shared, owned(id, H5Fclose, *shared, "make the file")};
}

File File::open(const fs::path& path, bool swmr, ExitCode code) {
  set_up_library();
  auto context = std::make_shared<const Context>(Context{path.string(), code});
  std::error_code error;
  if (!fs::is_regular_file(path, error)) {
    throw Error(ExitCode::missing_input, path.string() + ": is not there (need an HDF5 file)");
  }
  const unsigned flags = H5F_ACC_RDONLY | (swmr ? H5F_ACC_SWMR_READ : 0U);
  const Handle access = owned(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, *context, "open as HDF5");
  if (swmr && H5Pset_metadata_read_attempts(access.get(), kMetadataReadAttempts) < 0) {
    fail(*context, "open as HDF5");
  }
  return {context, owned(H5Fopen(path.c_str(), flags, access.get()), H5Fclose, *context, "open as HDF5")};
}

void File::start_swmr_write() {
  if (H5Fstart_swmr_write(id_.get()) < 0) fail(*context_, "start writing for live readers");
}

void File::close() {
  if (id_.close() < 0) fail(*context_, "close the file");
}

void File::make_group(const std::string& name) {
  const hid_t id = H5Gcreate2(id_.get(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const Handle group = owned(id, H5Gclose, *context_, "make the group " + name);
}

Dataset File::make_dataset(const std::string& name, hid_t type, hsize_t chunk) {
  const std::string doing = "make the dataset " + name;
  const hsize_t size = 0;
  const hsize_t unlimited = H5S_UNLIMITED;
  const Handle space = owned(H5Screate_simple(1, &size, &unlimited), H5Sclose, *context_, doing);
  const Handle links = owned(H5Pcreate(H5P_LINK_CREATE), H5Pclose, *context_, doing);
  const Handle layout = owned(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, *context_, doing);
  // gzip checks what it packed, but a chunk that it cannot shrink is stored as it is: Fletcher's sum covers
  // that too.
  if (H5Pset_create_intermediate_group(links.get(), 1) < 0 || H5Pset_chunk(layout.get(), 1, &chunk) < 0 ||
      H5Pset_shuffle(layout.get()) < 0 || H5Pset_deflate(layout.get(), 1) < 0 ||
      H5Pset_fletcher32(layout.get()) < 0) {
    fail(*context_, doing);
  }
  const hid_t id =
      H5Dcreate2(id_.get(), name.c_str(), type, space.get(), links.get(), layout.get(), H5P_DEFAULT);
  return {context_, name, owned(id, H5Dclose, *context_, doing), type, 0};
}

bool File::has_dataset(const std::string& name) const {
  const std::string group = name.substr(0, name.rfind('/'));
  if (H5Lexists(id_.get(), group.c_str(), H5P_DEFAULT) <= 0) return false;
  const htri_t found = H5Lexists(id_.get(), name.c_str(), H5P_DEFAULT);
  if (found < 0) fail(*context_, "look for " + name);
  return found > 0;
}

Dataset File::open_dataset(const std::string& name, hid_t type) const {
  const std::string doing = "open " + name;
  Handle id = owned(H5Dopen2(id_.get(), name.c_str(), H5P_DEFAULT), H5Dclose, *context_, doing);
  const Handle stored = owned(H5Dget_type(id.get()), H5Tclose, *context_, doing);
  const Handle space = owned(H5Dget_space(id.get()), H5Sclose, *context_, doing);
  if (H5Tequal(stored.get(), type) <= 0 || H5Sget_simple_extent_ndims(space.get()) != 1) {
    throw Error(context_->code,
                context_->path + ": " + name + ": is not a column of the type that the schema says");
  }
  hsize_t size = 0;
  if (H5Sget_simple_extent_dims(space.get(), &size, nullptr) < 0) fail(*context_, doing);
  return {context_, name, std::move(id), type, size};
}

void File::write_text(const std::string& name, const std::string& text) {
  const std::string doing = "write " + name;
  const Handle type = text_type(text.size(), *context_);
  const Handle space = owned(H5Screate(H5S_SCALAR), H5Sclose, *context_, doing);
  const hid_t id =
      H5Dcreate2(id_.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const Handle dataset = owned(id, H5Dclose, *context_, doing);
  if (H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.c_str()) < 0)
    fail(*context_, doing);
}

std::string File::read_text(const std::string& name) const {
  const Handle dataset =
      owned(H5Dopen2(id_.get(), name.c_str(), H5P_DEFAULT), H5Dclose, *context_, "open " + name);
  return read_text_of(dataset.get(), false, name);
}

void File::write_attribute(const std::string& object, const std::string& name, const std::string& text) {
  const std::string doing = "write the attribute " + name + " of " + object;
  const Handle type = text_type(text.size(), *context_);
  const Handle space = owned(H5Screate(H5S_SCALAR), H5Sclose, *context_, doing);
  const hid_t id = H5Acreate_by_name(id_.get(), object.c_str(), name.c_str(), type.get(), space.get(),
                                     H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const Handle attribute = owned(id, H5Aclose, *context_, doing);
  if (H5Awrite(attribute.get(), type.get(), text.c_str()) < 0) fail(*context_, doing);
}

void File::write_attribute(const std::string& object, const std::string& name, std::uint64_t number) {
  const std::string doing = "write the attribute " + name + " of " + object;
  const Handle space = owned(H5Screate(H5S_SCALAR), H5Sclose, *context_, doing);
  const hid_t id = H5Acreate_by_name(id_.get(), object.c_str(), name.c_str(), H5T_NATIVE_UINT64, space.get(),
                                     H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  const Handle attribute = owned(id, H5Aclose, *context_, doing);
  if (H5Awrite(attribute.get(), H5T_NATIVE_UINT64, &number) < 0) fail(*context_, doing);
}

std::string File::read_text_attribute(const std::string& object, const std::string& name) const {
  const std::string what = "the attribute " + name + " of " + object;
  const hid_t id = H5Aopen_by_name(id_.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  const Handle attribute = owned(id, H5Aclose, *context_, "open " + what);
  return read_text_of(attribute.get(), true, what);
}

std::uint64_t File::read_number_attribute(const std::string& object, const std::string& name) const {
  const std::string what = "the attribute " + name + " of " + object;
  const hid_t id = H5Aopen_by_name(id_.get(), object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
  const Handle attribute = owned(id, H5Aclose, *context_, "open " + what);
  const Handle type = owned(H5Aget_type(attribute.get()), H5Tclose, *context_, "open " + what);
  const Handle space = owned(H5Aget_space(attribute.get()), H5Sclose, *context_, "open " + what);
  if (H5Tequal(type.get(), H5T_NATIVE_UINT64) <= 0 || H5Sget_simple_extent_npoints(space.get()) != 1) {
    throw Error(context_->code, context_->path + ": " + what + " is not one unsigned number of 64 bits");
  }
  std::uint64_t number = 0;
  if (H5Aread(attribute.get(), H5T_NATIVE_UINT64, &number) < 0) fail(*context_, "read " + what);
  return number;
}

std::string File::read_text_of(hid_t object, bool attribute, const std::string& what) const {
  constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;
  const hid_t type_id = attribute ? H5Aget_type(object) : H5Dget_type(object);
  const hid_t space_id = attribute ? H5Aget_space(object) : H5Dget_space(object);
  const Handle type = owned(type_id, H5Tclose, *context_, "read " + what);
  const Handle space = owned(space_id, H5Sclose, *context_, "read " + what);
  const std::size_t size = H5Tget_size(type.get());
  if (H5Tget_class(type.get()) != H5T_STRING || H5Tis_variable_str(type.get()) != 0 || size > kMaxTextBytes ||
      H5Sget_simple_extent_npoints(space.get()) != 1) {
    throw Error(context_->code, context_->path + ": " + what + " is not one text of fixed length");
  }
  std::string text(size, '\0');
  const herr_t done = attribute ? H5Aread(object, type.get(), text.data())
                                : H5Dread(object, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data());
  if (done < 0) fail(*context_, "read " + what);
  text.erase(std::find_if(text.rbegin(), text.rend(), [](char c) { return c != '\0'; }).base(), text.end());
  return text;
}

}  // namespace reckon::hdf5
