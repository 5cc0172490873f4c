// Whether a row of a product has the same bits however many rows there are: every weight shape of a model, M
// from decoding to learning.
#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>

#include "gpu_bench.h"
#include "gpu_bench_models.h"
#include "reckon/cuda/gemm.h"

namespace reckon::bench {
namespace {

/// A product of a layer, or of the output layer.
struct Product {
  std::string name;
  std::int64_t n = 0, k = 0;
  bool onto_residual = false;  ///< forward_add(), whose result is float32
};

std::vector<Product> products_of(const DecoderConfig& config) {
  const std::int64_t width = config.num_attention_heads * config.head_dim;
  const std::int64_t qkv = (config.num_attention_heads + 2 * config.num_key_value_heads) * config.head_dim;
  return {{"qkv", qkv, config.hidden_size, false},
          {"out", config.hidden_size, width, true},
          {"gate_up", 2 * config.intermediate_size, config.hidden_size, false},
          {"down", config.hidden_size, config.intermediate_size, true},
          {"head", config.vocab_size, config.hidden_size, false}};
}

class Sweep {
 public:
  Sweep(Bench& bench, const std::string& model, const Product& product)
      : bench_(bench),
        model_(model),
        product_(product),
        counts_(bench.is_tiny() ? std::vector<std::int64_t>{1, 2, 17, 24}
                                : std::vector<std::int64_t>{1, 2, 8, 17, 64, 256, 2048}),
        x_(static_cast<std::size_t>(counts_.back() * product.k)),
        w_(static_cast<std::size_t>(product.n * product.k)) {
    fill_random(x_.data(), x_.size(), 1.0f, 41, bench.stream());
    fill_random(w_.data(), w_.size(), 0.02f, 42, bench.stream());
    const auto size = static_cast<std::size_t>(counts_.back() * product.n);
    if (product.onto_residual) {
      residual_.resize(size);
      sums_.resize(size);
      fill_random(residual_.data(), size, 1.0f, 43, bench.stream());
    } else {
      y_.resize(size);
    }
  }

  void run() {
    nlohmann::ordered_json more = {{"model", model_}, {"n", product_.n}, {"k", product_.k}};
    for (const auto sums : {cuda::GemmSums::exact, cuda::GemmSums::fast}) {
      cuda::Gemm gemm(sums);
      more[sums == cuda::GemmSums::exact ? "exact" : "fast"] = differences(gemm);
    }
    bench_.add("rows of " + product_.name,
               "N" + std::to_string(product_.n) + " K" + std::to_string(product_.k), more);
  }

 private:
  void multiply(cuda::Gemm& gemm, std::int64_t m) {
    if (product_.onto_residual) {
      poison(sums_.data(), sums_.size() * sizeof(float), bench_.stream());
      gemm.forward_add(x_.data(), w_.data(), residual_.data(), sums_.data(), m, product_.n, product_.k,
                       bench_.stream());
    } else {
      poison(y_.data(), y_.size() * sizeof(bf16), bench_.stream());
      gemm.forward(x_.data(), w_.data(), y_.data(), m, product_.n, product_.k, bench_.stream());
    }
  }
  /// The first rows of the result.
  [[nodiscard]] std::vector<float> first_rows(std::int64_t rows) const {
    const auto count = static_cast<std::size_t>(rows * product_.n);
    std::vector<float> values(count);
    if (product_.onto_residual) {
      cuda::copy_to_host(values.data(), sums_.data(), count * sizeof(float), bench_.stream());
      cuda::synchronize(bench_.stream());
      return values;
    }
    std::vector<bf16> narrow(count);
    cuda::copy_to_host(narrow.data(), y_.data(), count * sizeof(bf16), bench_.stream());
    cuda::synchronize(bench_.stream());
    std::transform(narrow.begin(), narrow.end(), values.begin(), [](bf16 value) { return to_float(value); });
    return values;
  }

  /// Rows for each M that differ from those of the largest M, and how long each takes.
  nlohmann::ordered_json differences(cuda::Gemm& gemm) {
    const std::int64_t compared = counts_[counts_.size() - 2];
    multiply(gemm, counts_.back());
    const std::vector<float> all = first_rows(compared);
    nlohmann::ordered_json result = {{"differing_rows", 0},
                                     {"compared_rows", 0},
                                     {"max_difference", 0.0},
                                     {"differs_at_m", nlohmann::ordered_json::array()}};
    std::int64_t differing = 0;
    std::int64_t rows_compared = 0;
    double most = 0;
    for (const std::int64_t m : counts_) {
      const std::int64_t rows = std::min(m, compared);
      multiply(gemm, m);
      const std::vector<float> some = first_rows(rows);
      std::int64_t here = 0;
      for (std::int64_t row = 0; row < rows; ++row) {
        const auto first = static_cast<std::size_t>(row * product_.n);
        bool differs = false;
        for (std::size_t i = first; i < first + static_cast<std::size_t>(product_.n); ++i) {
          if (some[i] == all[i]) continue;  // NaN, what was not written, differs
          differs = true;
          most = std::max(most, static_cast<double>(std::abs(some[i] - all[i])));
        }
        here += differs ? 1 : 0;
      }
      differing += here;
      rows_compared += rows;
      if (here > 0) result["differs_at_m"].push_back(m);
    }
    result["differing_rows"] = differing;
    result["compared_rows"] = rows_compared;
    result["max_difference"] = most;
    nlohmann::ordered_json milliseconds;
    for (const std::int64_t m : counts_) {
      if (m < 64 && !bench_.is_tiny()) continue;
      milliseconds[std::to_string(m)] = bench_.time([&](int) { multiply_again(gemm, m); }).ms;
    }
    result["ms_at_m"] = milliseconds;
    return result;
  }
  void multiply_again(cuda::Gemm& gemm, std::int64_t m) {
    if (product_.onto_residual) {
      gemm.forward_add(x_.data(), w_.data(), residual_.data(), sums_.data(), m, product_.n, product_.k,
                       bench_.stream());
    } else {
      gemm.forward(x_.data(), w_.data(), y_.data(), m, product_.n, product_.k, bench_.stream());
    }
  }

  Bench& bench_;
  std::string model_;
  Product product_;
  std::vector<std::int64_t> counts_;
  cuda::DeviceArray<bf16> x_, w_, y_;
  cuda::DeviceArray<float> residual_, sums_;
};

}  // namespace

void bench_exact(Bench& bench) {
  const std::vector<std::string> models =
      bench.is_tiny() ? std::vector<std::string>{"tiny"} : std::vector<std::string>{"0.5b", "1.5b", "7b"};
  for (const std::string& model : models) {
    for (const Product& product : products_of(model_config(model))) Sweep(bench, model, product).run();
  }
}

}  // namespace reckon::bench
