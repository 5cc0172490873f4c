#include "reckon/model/pretrained.h"

#include <cstring>
#include <string>
#include <vector>

#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/model/safetensors.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{16} << 20;

/// Copies a stored tensor to float32. bf16 is the upper half of a float.
void read_tensor(const TensorView& view, const std::string& where, std::span<float> to) {
  if (view.dtype == TensorDtype::f32) {
    std::memcpy(to.data(), view.data.data(), to.size_bytes());
    return;
  }
  if (view.dtype == TensorDtype::bf16) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      std::uint16_t half = 0;
      std::memcpy(&half, view.data.data() + 2 * i, sizeof half);
      const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
      std::memcpy(&to[i], &bits, sizeof bits);
    }
    return;
  }
  throw Error(ExitCode::bad_data, where + ": tensor \"" + view.name + "\" is " +
                                      std::string(dtype_name(view.dtype)) + " (need F32 or BF16)");
}

}  // namespace

void save_pretrained(const fs::path& folder, const Decoder& decoder, const TokenizerFiles& tokenizer) {
  if (fs::exists(folder)) {
    throw Error(ExitCode::environment,
                folder.string() + ": exists already (need a new folder for a checkpoint)");
  }
  const fs::path temporary = folder.string() + ".tmp";
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  make_folders(temporary);
  try {
    write_file_atomic(temporary / "config.json", to_config_json(decoder.config()));
    write_file_atomic(temporary / "generation_config.json", generation_config_json(decoder.config()));
    write_file_atomic(temporary / "tokenizer.json", tokenizer.tokenizer_json);
    write_file_atomic(temporary / "tokenizer_config.json", tokenizer.tokenizer_config_json);
    std::vector<TensorView> views;
    for (const ParameterTensor& tensor : decoder.tensors()) {
      TensorView view;
      view.name = tensor.name;
      view.dtype = TensorDtype::f32;
      view.shape = tensor.shape;
      view.data = std::as_bytes(decoder.parameters().subspan(tensor.offset, tensor.size));
      views.push_back(std::move(view));
    }
    write_safetensors(temporary / "model.safetensors", views);
    failpoint("checkpoint.rename");
    std::error_code error;
    fs::rename(temporary, folder, error);
    if (error)
      throw Error(ExitCode::io, folder.string() + ": cannot rename its temporary folder: " + error.message());
  } catch (...) {
    fs::remove_all(temporary, ignored);
    throw;
  }
  fsync_path(folder.parent_path());
}

std::unique_ptr<Decoder> load_pretrained(const fs::path& folder) {
  if (!fs::is_directory(folder)) {
    throw Error(ExitCode::missing_input, folder.string() +
                                             ": no such folder (need one with config.json, "
                                             "model.safetensors and tokenizer.json)");
  }
  const fs::path config_file = folder / "config.json";
  auto decoder = std::make_unique<Decoder>(
      parse_decoder_config(read_file(config_file, kMaxConfigBytes), config_file.string()));
  const fs::path weights_file = folder / "model.safetensors";
  const SafetensorsFile weights = SafetensorsFile::open(weights_file);
  check_decoder_tensors(decoder->config(), weights);
  for (const ParameterTensor& tensor : decoder->tensors()) {
    read_tensor(*weights.find(tensor.name), weights_file.string(),
                decoder->parameters().subspan(tensor.offset, tensor.size));
  }
  decoder->repack();
  return decoder;
}

}  // namespace reckon
