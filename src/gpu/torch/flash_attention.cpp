// Flash attention by LibTorch's kernels (Dao, arXiv:2307.08691), on our memory and our stream.
#include <ATen/Context.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/InferenceMode.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "reckon/cuda/flash_attention.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {
namespace {

/// LibTorch's calls within its scope run on our stream, keep no graph and are deterministic.
class TorchScope {
 public:
  explicit TorchScope(Stream stream)
      : guard_(stream == nullptr ? c10::cuda::getDefaultCUDAStream()
                                 : c10::cuda::getStreamFromExternal(stream, c10::cuda::current_device())) {
    // The backward pass then sums without atomic additions; with warn_only it would warn, and use them.
    // Memory need not be filled for it.
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  }
  // Else other operations of the program would refuse to run where they have no deterministic form.
  ~TorchScope() { at::globalContext().setDeterministicAlgorithms(false, /*warn_only=*/false); }
  TorchScope(const TorchScope&) = delete;
  TorchScope& operator=(const TorchScope&) = delete;

 private:
  c10::InferenceMode inference_;
  c10::cuda::CUDAStreamGuard guard_;
};

at::Tensor wrap(const void* data, at::IntArrayRef sizes, at::ScalarType type) {
  return at::from_blob(const_cast<void*>(data), sizes,
                       at::TensorOptions().dtype(type).device(at::kCUDA, c10::cuda::current_device()));
}

/// The arguments of both passes as tensors.
struct Tensors {
  at::Tensor q, k, v, q_starts, k_starts;

  Tensors(const bf16* queries, const bf16* keys, const bf16* values, const PackedSequences& all,
          const HeadShape& shape)
      : q(wrap(queries, {all.num_queries, shape.heads, shape.head_dim}, at::kBFloat16)),
        k(wrap(keys, {all.num_keys, shape.kv_heads, shape.head_dim}, at::kBFloat16)),
        v(wrap(values, {all.num_keys, shape.kv_heads, shape.head_dim}, at::kBFloat16)),
        q_starts(wrap(all.q_starts, {all.count + 1}, at::kInt)),
        k_starts(wrap(all.k_starts, {all.count + 1}, at::kInt)) {}
};

void copy_out(const at::Tensor& from, void* to, Stream stream) {
  const at::Tensor packed = from.contiguous();
  copy_on_device(to, packed.const_data_ptr(), packed.nbytes(), stream);
}

}  // namespace

void flash_attention_forward(const bf16* q, const bf16* k, const bf16* v, const PackedSequences& sequences,
                             const HeadShape& shape, bf16* out, float* lse, Stream stream) {
  if (sequences.num_queries == 0) return;
  const TorchScope scope(stream);
  const Tensors t(q, k, v, sequences, shape);
  const auto results = at::_flash_attention_forward(
      t.q, t.k, t.v, t.q_starts, t.k_starts, sequences.longest_queries, sequences.longest_keys,
      /*dropout_p=*/0.0, /*is_causal=*/true, /*return_debug_mask=*/false);
  copy_out(std::get<0>(results), out, stream);
  if (lse != nullptr) copy_out(std::get<1>(results), lse, stream);
}

void flash_attention_backward(const bf16* dout, const bf16* q, const bf16* k, const bf16* v, const bf16* out,
                              const float* lse, const PackedSequences& sequences, const HeadShape& shape,
                              bf16* dq, bf16* dk, bf16* dv, Stream stream) {
  if (sequences.num_queries == 0) return;
  const TorchScope scope(stream);
  const Tensors t(q, k, v, sequences, shape);
  const at::Tensor seed = at::empty({2}, at::TensorOptions().dtype(at::kUInt64).device(at::kCUDA));
  const at::Tensor offset = at::empty(
      {}, at::TensorOptions().dtype(at::kUInt64).device(at::kCUDA));  // both of the dropout there is not
  const auto results = at::_flash_attention_backward(
      wrap(dout, t.q.sizes(), at::kBFloat16), t.q, t.k, t.v, wrap(out, t.q.sizes(), at::kBFloat16),
      wrap(lse, {shape.heads, sequences.num_queries}, at::kFloat), t.q_starts, t.k_starts,
      sequences.longest_queries, sequences.longest_keys, /*dropout_p=*/0.0, /*is_causal=*/true, seed, offset);
  copy_out(std::get<0>(results), dq, stream);
  copy_out(std::get<1>(results), dk, stream);
  copy_out(std::get<2>(results), dv, stream);
}

}  // namespace reckon::cuda
