// top_k_kl_loss() (4 bytes a logit) and full_kl_loss() (6 bytes) of token_loss.h.
#include "logit_row.h"
#include "row_launch.h"

namespace reckon::cuda {
namespace {

struct DistillTask {
  RowPlan plan;
  LogitRows logits;
  TopKTeacher top;  // or
  const bf16* teacher_logits = nullptr;
  std::int64_t teacher_stride = 0;
  KlDirection direction = KlDirection::forward;
  const float* weight = nullptr;
  float scale = 0;  // log2(e) / T
  double inverse_temperature = 0;
  float* loss = nullptr;

  [[nodiscard]] __device__ bf16* row(std::int64_t r) const { return logits.logits + r * logits.stride; }
};

/// One of the k + 1 outcomes: what it adds to the KL, and d KL / d x / (weight / T) of a word in it divided
/// by the word's p.
struct Outcome {
  double term = 0;
  double slope = 0;
};

/// \param all  the sum of the teacher's outcomes; 1 up to rounding
__device__ inline Outcome forward_outcome(double teacher, double log_teacher, double student,
                                          double log_student, double all) {
  // p (all - q / p); a word without q has p all.
  return {teacher > 0 ? teacher * (log_teacher - log_student) : 0,
          all - (teacher > 0 ? teacher / student : 0)};
}
/// \param kl  0 at first, where only the term is wanted
__device__ inline Outcome reverse_outcome(double log_teacher, double student, double log_student, double kl) {
  if (student == 0) return {};
  const double difference = log_student - log_teacher;
  return {student * difference, difference - kl};
}
/// d KL / d x of the teacher's word i, times T: for the forward direction without the division by p.
__device__ inline double word_slope(KlDirection direction, double teacher, double log_teacher, double student,
                                    double log_student, double all, double kl) {
  if (direction == KlDirection::forward) return student * all - teacher;
  return student * reverse_outcome(log_teacher, student, log_student, kl).slope;
}

/// The teacher's word of thread i < k.
struct TopWord {
  std::uint32_t token = ~0U;
  float logit = 0;
  double log_teacher = 0, teacher = 0;

  __device__ TopWord(const DistillTask& task, std::int64_t row) {
    if (threadIdx.x >= task.top.k) return;
    token = task.top.token_ids[row * task.top.k + threadIdx.x];
    log_teacher = static_cast<double>(task.top.logprobs[row * task.top.k + threadIdx.x]);
    teacher = exp(log_teacher);
    logit = logit_of(task.row(row), token, task.plan.vocab);
  }
};

/// Puts a logit where the row's sums and gradient will read it.
template <RowPath path>
__device__ inline void put_logit(const RowPart<path>& part, bf16* row, std::uint32_t token, bf16 value) {
  if constexpr (path == RowPath::shared) {
    const std::int64_t first = std::int64_t{part.first_slice()} * part.plan.slice_chunks * kChunk;
    reinterpret_cast<bf16*>(part.held)[token - first] = value;
  } else {
    row[token] = value;
  }
}

template <RowPath path>
__device__ inline void top_k_row(const DistillTask& task, std::int64_t row, RowScratch& scratch,
                                 unsigned& round, uint4* held) {
  bf16* logits = task.row(row);
  const RowPart<path> part{task.plan, logits, held};
  start_rows<path>(scratch, part);
  const TopWord word(task, row);
  const bool is_word = threadIdx.x < task.top.k;
  const bool is_forward = task.direction == KlDirection::forward;
  await_rows<path>(scratch, round, part);
  const Exponents exponents{task.scale, row_max(part, scratch)};
  // The tail is summed without the teacher's words, and not found by subtraction: it may be tiny.
  if (is_word && part.has(word.token)) put_logit(part, logits, word.token, {kNothing & 0xffffU});
  __syncthreads();
  const double rest = softmax_sums(part, scratch, exponents).total;

  auto* sums = reinterpret_cast<double*>(scratch.warps);
  const float y = exponents.of(word.logit);
  const double total = rest + block_sum(is_word ? static_cast<double>(fast_exp2(y)) : 0.0, sums);
  const double log_total = log(total);
  const double log_student = kLn2 * static_cast<double>(y) - log_total;
  const double student = static_cast<double>(fast_exp2(y)) / total;
  const double top = block_sum(word.teacher, sums);
  const bool has_tail = task.top.k < task.plan.vocab;
  // float32 log-probabilities do not tell a smaller tail from none.
  const double teacher_tail = !has_tail ? 0.0 : 1.0 - top > 0x1.0p-24 ? 1.0 - top : 0x1.0p-24;
  const double all = top + teacher_tail;
  const auto outcome = [&](double q, double log_q, double p, double log_p, double kl) {
    return is_forward ? forward_outcome(q, log_q, p, log_p, all) : reverse_outcome(log_q, p, log_p, kl);
  };
  const double term = is_word ? outcome(word.teacher, word.log_teacher, student, log_student, 0).term : 0.0;
  double kl = block_sum(term, sums);
  const double tail = rest / total;
  const double log_tail = log(rest) - log_total;
  const double log_teacher_tail = has_tail ? log(teacher_tail) : 0.0;
  if (has_tail) kl += outcome(teacher_tail, log_teacher_tail, tail, log_tail, 0).term;
  const double weight = task.weight[row];
  if (threadIdx.x == 0 && cluster_rank() == 0 && task.loss != nullptr)
    task.loss[row] = static_cast<float>(weight * kl);

  const double by = weight * task.inverse_temperature;
  const double slope = has_tail ? outcome(teacher_tail, log_teacher_tail, tail, log_tail, kl).slope : 0.0;
  const auto factor = static_cast<float>(by * slope / total);
  const auto gradient = [&](float x) { return fast_exp2(exponents.of(x)) * factor; };
  write_row(part, logits, [&](int slice, int i) {
    const uint4 c = part.chunk(slice, i);
    const auto pair = [&](std::uint32_t x) {
      return pack_bf16(gradient(low_bf16(x)), gradient(high_bf16(x)));
    };
    return uint4{pair(c.x), pair(c.y), pair(c.z), pair(c.w)};
  });
  __syncthreads();
  if (is_word && part.has(word.token)) {
    const double slope_of_word =
        word_slope(task.direction, word.teacher, word.log_teacher, student, log_student, all, kl);
    logits[word.token] = to_bf16(static_cast<float>(by * slope_of_word));
  }
}

template <RowPath path>
__device__ inline void full_row(const DistillTask& task, std::int64_t row, RowScratch& scratch,
                                unsigned& round, uint4* held) {
  bf16* logits = task.row(row);
  const RowPart<path> student{task.plan, logits, held};
  const RowPart<path> teacher{task.plan, task.teacher_logits + row * task.teacher_stride,
                              held + task.plan.slice_chunks};
  const bool is_forward = task.direction == KlDirection::forward;
  start_rows<path>(scratch, student, teacher);
  await_rows<path>(scratch, round, student, teacher);
  const Exponents of_student{task.scale, row_max(student, scratch, 0)};
  const Exponents of_teacher{task.scale, row_max(teacher, scratch, 1)};

  // sum_v 2^yp, sum_v 2^yq, and of the direction's first distribution the sum of 2^y (y - the other's y).
  const auto add_value = [&](float x, float z, float(&sums)[3]) {
    const float yp = of_student.of(x);
    const float yq = of_teacher.of(z);
    const float p = fast_exp2(yp);
    const float q = fast_exp2(yq);
    sums[0] += p;
    sums[1] += q;
    const float first = is_forward ? q : p;
    const float apart = is_forward ? yq - yp : yp - yq;
    if (first != 0) sums[2] = fmaf(first, apart, sums[2]);
  };
  const auto add = [&](int slice, int i, float(&even)[3], float(&odd)[3]) {
    const uint4 c = student.chunk(slice, i);
    const uint4 d = teacher.chunk(slice, i);
    const std::uint32_t x[4] = {c.x, c.y, c.z, c.w};
    const std::uint32_t z[4] = {d.x, d.y, d.z, d.w};
    for (unsigned j = 0; j < 4; ++j) {
      add_value(low_bf16(x[j]), low_bf16(z[j]), even);
      add_value(high_bf16(x[j]), high_bf16(z[j]), odd);
    }
  };
  float sums[3];
  row_sums(student, scratch, add, sums);
  const double total_p = sums[0];
  const double total_q = sums[1];
  const double apart = static_cast<double>(sums[2]) / (is_forward ? total_q : total_p);
  const double weight = task.weight[row];
  if (threadIdx.x == 0 && cluster_rank() == 0 && task.loss != nullptr) {
    const double log_ratio = log(total_p) - log(total_q);
    task.loss[row] = static_cast<float>(weight * (kLn2 * apart + (is_forward ? log_ratio : -log_ratio)));
  }

  // Forward: p - q. Reverse: p (log p - log q - KL) = p ln 2 (yp - yq - apart).
  const double by = weight * task.inverse_temperature;
  const auto factor_p = static_cast<float>(by / total_p);
  const auto factor_q = static_cast<float>(by / total_q);
  const auto tilt = static_cast<float>(kLn2 * by / total_p);
  const auto offset = static_cast<float>(apart);
  const auto gradient = [&](float x, float z) {
    const float yp = of_student.of(x);
    const float yq = of_teacher.of(z);
    const float p = fast_exp2(yp);
    if (is_forward) return p * factor_p - fast_exp2(yq) * factor_q;
    return p == 0 ? 0.0f : p * tilt * (yp - yq - offset);
  };
  write_row(student, logits, [&](int slice, int i) {
    const uint4 c = student.chunk(slice, i);
    const uint4 d = teacher.chunk(slice, i);
    const auto pair = [&](std::uint32_t x, std::uint32_t z) {
      return pack_bf16(gradient(low_bf16(x), low_bf16(z)), gradient(high_bf16(x), high_bf16(z)));
    };
    return uint4{pair(c.x, d.x), pair(c.y, d.y), pair(c.z, d.z), pair(c.w, d.w)};
  });
}

template <bool is_full, RowPath path>
__global__ void __launch_bounds__(kRowThreads, 2) distill_kernel(DistillTask task) {
  auto& scratch = *shared_memory<RowScratch>();
  auto* held = shared_memory<uint4>() + kScratchBytes / 16;
  if (threadIdx.x == 0) barrier_init(&scratch.barrier);
  cluster_sync();  // the barrier is there, and all blocks are

  unsigned round = 0;
  for (std::int64_t row = blockIdx.x / cluster_size(); row < task.logits.rows;
       row += gridDim.x / cluster_size()) {
    if (task.weight[row] == 0) {
      const RowPart<path> part{task.plan, nullptr, nullptr};
      write_zeros(part, task.row(row));
      if (threadIdx.x == 0 && cluster_rank() == 0 && task.loss != nullptr) task.loss[row] = 0;
      continue;
    }
    if constexpr (is_full) {
      full_row<path>(task, row, scratch, round, held);
    } else {
      top_k_row<path>(task, row, scratch, round, held);
    }
    release_rows<path>();
  }
}

template <bool is_full>
void launch_distill(const char* name, DistillTask task, float temperature, Stream stream) {
  task.inverse_temperature = 1.0 / static_cast<double>(temperature);
  task.scale = static_cast<float>(kLog2e * task.inverse_temperature);
  launch_rows(name, distill_kernel<is_full, RowPath::shared>, distill_kernel<is_full, RowPath::streaming>,
              task.plan, task.logits.rows, stream, task);
}

}  // namespace

void top_k_kl_loss(const RowPlan& plan, const LogitRows& logits, const TopKTeacher& teacher,
                   KlDirection direction, const float* weight, float temperature, float* loss,
                   Stream stream) {
  DistillTask task;
  task.plan = plan;
  task.logits = logits;
  task.top = teacher;
  task.direction = direction;
  task.weight = weight;
  task.loss = loss;
  launch_distill<false>("top_k_kl_loss", task, temperature, stream);
}

void full_kl_loss(const RowPlan& plan, const LogitRows& logits, const bf16* teacher_logits,
                  std::int64_t teacher_stride, KlDirection direction, const float* weight, float temperature,
                  float* loss, Stream stream) {
  DistillTask task;
  task.plan = plan;
  task.logits = logits;
  task.teacher_logits = teacher_logits;
  task.teacher_stride = teacher_stride;
  task.direction = direction;
  task.weight = weight;
  task.loss = loss;
  launch_distill<true>("full_kl_loss", task, temperature, stream);
}

void top_k_kl_loss(const LogitRows& logits, const TopKTeacher& teacher, KlDirection direction,
                   const float* weight, float temperature, float* loss, Stream stream) {
  constexpr const char* kWhere = "top_k_kl_loss";
  check_rows(kWhere, logits, temperature);
  const std::int64_t most = logits.vocab < kRowThreads ? logits.vocab : kRowThreads;
  require(teacher.k >= 1 && teacher.k <= most, kWhere,
          "k = " + std::to_string(teacher.k) + " (need 1 to " + std::to_string(most) + ")");
  top_k_kl_loss(plan_row(logits.vocab, device_info()), logits, teacher, direction, weight, temperature, loss,
                stream);
}

void full_kl_loss(const LogitRows& logits, const bf16* teacher_logits, std::int64_t teacher_stride,
                  KlDirection direction, const float* weight, float temperature, float* loss, Stream stream) {
  constexpr const char* kWhere = "full_kl_loss";
  check_rows(kWhere, logits, temperature);
  auto* teacher = const_cast<bf16*>(teacher_logits);  // checked, not written
  check_rows(kWhere, {teacher, logits.rows, logits.vocab, teacher_stride}, temperature);
  full_kl_loss(plan_row(logits.vocab, device_info(), 2), logits, teacher_logits, teacher_stride, direction,
               weight, temperature, loss, stream);
}

}  // namespace reckon::cuda
