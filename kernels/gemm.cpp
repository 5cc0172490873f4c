// Gemm by cuBLASLt. It counts in columns: a row-major [R, C] matrix is its column-major [C, R].
#include <cublasLt.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <tuple>

#include "reckon/base/error.h"
#include "reckon/cuda/gemm.h"
#include "reckon/cuda/runtime.h"

namespace reckon::cuda {
namespace {

constexpr std::size_t kWorkspaceBytes = std::size_t{64} << 20;
// Rows for which GemmSums::exact chooses its algorithm: between decoding and the learner's. It must take the
// others, too.
constexpr std::int64_t kRowsToChooseFor = 512;
constexpr std::int64_t kRowsToTake[] = {1, 8, 100, 16384};

void check(const char* what, cublasStatus_t status) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw Error(ExitCode::internal,
              std::string("gemm: ") + what + ": cuBLASLt: " + cublasLtGetStatusString(status));
}

/// d [rows, columns] = op(a) op(b) (+ d), column-major.
struct Shape {
  cublasOperation_t op_a = CUBLAS_OP_N, op_b = CUBLAS_OP_N;
  std::int64_t rows = 0, columns = 0, inner = 0;
  cudaDataType_t out = CUDA_R_16BF;
  bool add = false;
  std::int64_t stride_b = 0, stride_d = 0;  // of stored columns; 0: as long as they are
  bool is_forward = true;                   // of the activations: a row's sum must not depend on the others
  auto key() const {
    return std::tuple(op_a, op_b, rows, columns, inner, out, add, stride_b, stride_d, is_forward);
  }
};

/// What cuBLASLt wants to be told about a product. Made once a shape.
struct Plan {
  cublasLtMatmulDesc_t product = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, d = nullptr;
  cublasLtMatmulAlgo_t algorithm{};

  explicit Plan(const Shape& shape) {
    check("descriptor", cublasLtMatmulDescCreate(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
      check("descriptor", cublasLtMatmulDescSetAttribute(product, attribute, &value, sizeof value));
    };
    set(CUBLASLT_MATMUL_DESC_TRANSA, shape.op_a);
    set(CUBLASLT_MATMUL_DESC_TRANSB, shape.op_b);
    const auto layout = [](cublasLtMatrixLayout_t* to, cudaDataType_t type, std::int64_t rows,
                           std::int64_t columns, std::int64_t stride) {
      check("layout",
            cublasLtMatrixLayoutCreate(to, type, static_cast<std::uint64_t>(rows),
                                       static_cast<std::uint64_t>(columns), stride == 0 ? rows : stride));
    };
    const bool turn_a = shape.op_a == CUBLAS_OP_T;
    const bool turn_b = shape.op_b == CUBLAS_OP_T;
    layout(&a, CUDA_R_16BF, turn_a ? shape.inner : shape.rows, turn_a ? shape.rows : shape.inner, 0);
    layout(&b, CUDA_R_16BF, turn_b ? shape.columns : shape.inner, turn_b ? shape.inner : shape.columns,
           shape.stride_b);
    layout(&d, shape.out, shape.rows, shape.columns, shape.stride_d);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    for (cublasLtMatrixLayout_t layout : {a, b, d}) {
      if (layout != nullptr) (void)cublasLtMatrixLayoutDestroy(layout);
    }
    if (product != nullptr) (void)cublasLtMatmulDescDestroy(product);
  }
};

}  // namespace

struct Gemm::State {
  GemmSums sums;
  cublasLtHandle_t handle = nullptr;
  DeviceArray<std::byte> workspace{kWorkspaceBytes};
  std::map<decltype(Shape{}.key()), std::unique_ptr<Plan>> plans;

  explicit State(GemmSums how) : sums(how) { check("handle", cublasLtCreate(&handle)); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { (void)cublasLtDestroy(handle); }

  [[nodiscard]] bool is_exact(const Shape& shape) const {
    return sums == GemmSums::exact && shape.is_forward;
  }

  [[nodiscard]] cublasStatus_t check_algorithm(const Plan& plan, const cublasLtMatmulAlgo_t& algorithm) {
    cublasLtMatmulHeuristicResult_t result{};
    const cublasStatus_t status =
        cublasLtMatmulAlgoCheck(handle, plan.product, plan.a, plan.b, plan.d, plan.d, &algorithm, &result);
    if (status == CUBLAS_STATUS_SUCCESS && result.workspaceSize > kWorkspaceBytes)
      return CUBLAS_STATUS_NOT_SUPPORTED;
    return status;
  }

  /// Whether it sums without splits, and takes any number of rows.
  [[nodiscard]] bool is_for_all_rows(const Shape& shape, const cublasLtMatmulAlgo_t& algorithm) {
    std::int32_t splits = 1;
    check("algorithm", cublasLtMatmulAlgoConfigGetAttribute(&algorithm, CUBLASLT_ALGO_CONFIG_SPLITK_NUM,
                                                            &splits, sizeof splits, nullptr));
    return splits == 1 && std::ranges::all_of(kRowsToTake, [&](std::int64_t rows) {
             Shape other = shape;
             other.columns = rows;
             return check_algorithm(Plan(other), algorithm) == CUBLAS_STATUS_SUCCESS;
           });
  }

  cublasLtMatmulAlgo_t best_algorithm(const Shape& shape, const Plan& plan) {
    const bool exact = is_exact(shape);
    cublasLtMatmulPreference_t preference = nullptr;
    check("preference", cublasLtMatmulPreferenceCreate(&preference));
    const auto set = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      check("preference", cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value));
    };
    set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspaceBytes);
    // Weights start anywhere in the parameter vector that a vector load can.
    for (const auto attribute :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
      set(attribute, std::uint32_t{16});
    }
    if (exact)
      set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
          static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE));
    std::array<cublasLtMatmulHeuristicResult_t, 32> results{};
    int found = 0;
    const cublasStatus_t status =
        cublasLtMatmulAlgoGetHeuristic(handle, plan.product, plan.a, plan.b, plan.d, plan.d, preference,
                                       static_cast<int>(results.size()), results.data(), &found);
    (void)cublasLtMatmulPreferenceDestroy(preference);
    check("no algorithm for this product", status);
    for (int i = 0; i < found; ++i) {
      const cublasLtMatmulAlgo_t& algorithm = results[static_cast<std::size_t>(i)].algo;
      if (!exact || is_for_all_rows(shape, algorithm)) return algorithm;
    }
    throw Error(ExitCode::internal,
                "gemm: none of " + std::to_string(found) +
                    " algorithms takes any number of rows without a split of the inner dimension");
  }

  Plan& plan_for(const Shape& shape) {
    std::unique_ptr<Plan>& plan = plans[shape.key()];
    if (plan) return *plan;
    auto made = std::make_unique<Plan>(shape);
    if (is_exact(shape) && shape.columns != kRowsToChooseFor) {
      Shape chosen = shape;
      chosen.columns = kRowsToChooseFor;
      made->algorithm = plan_for(chosen).algorithm;
      check("the algorithm of other row counts", check_algorithm(*made, made->algorithm));
    } else {
      made->algorithm = best_algorithm(shape, *made);
    }
    return *(plans[shape.key()] = std::move(made));
  }

  void run(const Shape& shape, const bf16* a, const bf16* b, const void* c, void* d, Stream stream) {
    if (shape.rows == 0 || shape.columns == 0) return;
    const Plan& plan = plan_for(shape);
    const float alpha = 1;
    const float beta = shape.add ? 1 : 0;
    check("product", cublasLtMatmul(handle, plan.product, &alpha, a, plan.a, b, plan.b, &beta, c, plan.d, d,
                                    plan.d, &plan.algorithm, workspace.data(), kWorkspaceBytes, stream));
  }
};

Gemm::Gemm(GemmSums sums) : state_(std::make_unique<State>(sums)) {}
Gemm::~Gemm() = default;

void Gemm::forward(const bf16* x, const bf16* w, bf16* y, std::int64_t m, std::int64_t n, std::int64_t k,
                   Stream stream, std::int64_t y_stride) {
  state_->run({.op_a = CUBLAS_OP_T, .rows = n, .columns = m, .inner = k, .stride_d = y_stride}, w, x, y, y,
              stream);
}
void Gemm::forward_add(const bf16* x, const bf16* w, const float* residual, float* y, std::int64_t m,
                       std::int64_t n, std::int64_t k, Stream stream) {
  state_->run({.op_a = CUBLAS_OP_T, .rows = n, .columns = m, .inner = k, .out = CUDA_R_32F, .add = true}, w,
              x, residual, y, stream);
}
void Gemm::backward_input(const bf16* dy, const bf16* w, bf16* dx, std::int64_t m, std::int64_t n,
                          std::int64_t k, Stream stream) {
  state_->run({.rows = k, .columns = m, .inner = n}, w, dy, dx, dx, stream);
}
void Gemm::backward_input(const bf16* dy, const bf16* w, float* dx, std::int64_t m, std::int64_t n,
                          std::int64_t k, Stream stream, std::int64_t dy_stride) {
  state_->run({.rows = k, .columns = m, .inner = n, .out = CUDA_R_32F, .stride_b = dy_stride}, w, dy, dx, dx,
              stream);
}
void Gemm::backward_weight(const bf16* dy, const bf16* x, float* dw, std::int64_t m, std::int64_t n,
                           std::int64_t k, Stream stream, std::int64_t dy_stride) {
  if (m == 0) return;
  state_->run({.op_b = CUBLAS_OP_T,
               .rows = k,
               .columns = n,
               .inner = m,
               .out = CUDA_R_32F,
               .add = true,
               .stride_b = dy_stride,
               .is_forward = false},
              x, dy, dw, dw, stream);
}

}  // namespace reckon::cuda
