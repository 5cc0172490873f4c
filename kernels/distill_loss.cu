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

/// What a row's k + 1 outcomes come to; `student` and `log_student` are those of the thread's word.
struct TopKl {
  double kl = 0;
  double tail_slope = 0;  // of Outcome
  double all = 0;         // the teacher's sum
  double total = 0;       // the student's sum of e
  double student = 0, log_student = 0;
};

/// \param rest  the student's sum of e over words that are not the teacher's
__device__ inline TopKl top_k_kl(const DistillTask& task, const TopWord& word, float y, double rest,
                                 double* scratch) {
  const bool is_word = threadIdx.x < task.top.k;
  const bool has_tail = task.top.k < task.plan.vocab;
  TopKl result;
  const double e = static_cast<double>(fast_exp2(y));
  result.total = rest + block_sum(is_word ? e : 0.0, scratch);
  const double log_total = log(result.total);
  result.log_student = kLn2 * static_cast<double>(y) - log_total;
  result.student = e / result.total;
  const double top = block_sum(word.teacher, scratch);
  // float32 log-probabilities do not tell a smaller tail from none.
  const double tail = !has_tail ? 0.0 : 1.0 - top > 0x1.0p-24 ? 1.0 - top : 0x1.0p-24;
  result.all = top + tail;
  const auto outcome = [&](double q, double log_q, double p, double log_p, double kl) {
    return task.direction == KlDirection::forward ? forward_outcome(q, log_q, p, log_p, result.all)
                                                  : reverse_outcome(log_q, p, log_p, kl);
  };
  const double term =
      is_word ? outcome(word.teacher, word.log_teacher, result.student, result.log_student, 0).term : 0.0;
  result.kl = block_sum(term, scratch);
  if (has_tail) {
    const double p = rest / result.total;
    const double log_p = log(rest) - log_total;
    result.kl += outcome(tail, log(tail), p, log_p, 0).term;
    result.tail_slope = outcome(tail, log(tail), p, log_p, result.kl).slope;
  }
  return result;
}

template <RowPath path>
__device__ inline void top_k_row(const DistillTask& task, std::int64_t row, RowScratch& scratch,
                                 unsigned& round, uint4* held) {
  bf16* logits = task.row(row);
  const RowPart<path> part{task.plan, logits, held};
  start_rows<path>(scratch, part);
  const TopWord word(task, row);
  const bool is_mine = threadIdx.x < task.top.k && part.has(word.token);
  await_rows<path>(scratch, round, part);
  const Exponents exponents{task.scale, row_max(part, scratch)};
  // The tail is summed without the teacher's words, and not found by subtraction: it may be tiny.
  if (is_mine) put_logit(part, logits, word.token, {kNothing & 0xffffU});
  __syncthreads();
  const double rest = softmax_sums(part, scratch, exponents).total;
  const TopKl top =
      top_k_kl(task, word, exponents.of(word.logit), rest, reinterpret_cast<double*>(scratch.warps));
  const double weight = task.weight[row];
  if (threadIdx.x == 0 && cluster_rank() == 0 && task.loss != nullptr)
    task.loss[row] = static_cast<float>(weight * top.kl);

  const double by = weight * task.inverse_temperature;
  const auto factor = static_cast<float>(by * top.tail_slope / top.total);
  const auto pair = [&](std::uint32_t x) {
    return pack_bf16(fast_exp2(exponents.of(low_bf16(x))) * factor,
                     fast_exp2(exponents.of(high_bf16(x))) * factor);
  };
  write_row(part, logits, [&](int slice, int i) {
    const uint4 c = part.chunk(slice, i);
    return uint4{pair(c.x), pair(c.y), pair(c.z), pair(c.w)};
  });
  __syncthreads();
  if (is_mine) {
    const double slope = word_slope(task.direction, word.teacher, word.log_teacher, top.student,
                                    top.log_student, top.all, top.kl);
    logits[word.token] = to_bf16(static_cast<float>(by * slope));
  }
}

/// Student and teacher of a row.
template <RowPath path>
struct RowPair {
  RowPart<path> student, teacher;
  Exponents of_student, of_teacher;
  bool is_forward;
};

/// sum_v 2^yp, sum_v 2^yq, and of the direction's first distribution the sum of 2^y (y - the other's y).
template <RowPath path>
__device__ inline void full_sums(const RowPair<path>& rows, RowScratch& scratch, float (&sums)[3]) {
  const auto add_value = [&](float x, float z, float(&to)[3]) {
    const float yp = rows.of_student.of(x);
    const float yq = rows.of_teacher.of(z);
    const float p = fast_exp2(yp);
    const float q = fast_exp2(yq);
    to[0] += p;
    to[1] += q;
    const float first = rows.is_forward ? q : p;
    const float apart = rows.is_forward ? yq - yp : yp - yq;
    if (first != 0) to[2] = fmaf(first, apart, to[2]);
  };
  const auto add = [&](int slice, int i, float(&even)[3], float(&odd)[3]) {
    const uint4 c = rows.student.chunk(slice, i);
    const uint4 d = rows.teacher.chunk(slice, i);
    const std::uint32_t x[4] = {c.x, c.y, c.z, c.w};
    const std::uint32_t z[4] = {d.x, d.y, d.z, d.w};
    for (unsigned j = 0; j < 4; ++j) {
      add_value(low_bf16(x[j]), low_bf16(z[j]), even);
      add_value(high_bf16(x[j]), high_bf16(z[j]), odd);
    }
  };
  row_sums(rows.student, scratch, add, sums);
}

/// \param gradient  of the student's and the teacher's exponent
template <RowPath path, class Gradient>
__device__ inline void write_pairs(const RowPair<path>& rows, bf16* logits, const Gradient& gradient) {
  const auto value = [&](float x, float z) { return gradient(rows.of_student.of(x), rows.of_teacher.of(z)); };
  const auto pair = [&](std::uint32_t x, std::uint32_t z) {
    return pack_bf16(value(low_bf16(x), low_bf16(z)), value(high_bf16(x), high_bf16(z)));
  };
  write_row(rows.student, logits, [&](int slice, int i) {
    const uint4 c = rows.student.chunk(slice, i);
    const uint4 d = rows.teacher.chunk(slice, i);
    return uint4{pair(c.x, d.x), pair(c.y, d.y), pair(c.z, d.z), pair(c.w, d.w)};
  });
}

template <RowPath path>
__device__ inline void full_row(const DistillTask& task, std::int64_t row, RowScratch& scratch,
                                unsigned& round, uint4* held) {
  bf16* logits = task.row(row);
  RowPair<path> rows{
      {task.plan, logits, held},
      {task.plan, task.teacher_logits + row * task.teacher_stride, held + task.plan.slice_chunks},
      {task.scale, 0},
      {task.scale, 0},
      task.direction == KlDirection::forward};
  start_rows<path>(scratch, rows.student, rows.teacher);
  await_rows<path>(scratch, round, rows.student, rows.teacher);
  rows.of_student.most = row_max(rows.student, scratch, 0);
  rows.of_teacher.most = row_max(rows.teacher, scratch, 1);
  float sums[3];
  full_sums(rows, scratch, sums);
  const double total_p = sums[0];
  const double total_q = sums[1];
  const double apart = static_cast<double>(sums[2]) / (rows.is_forward ? total_q : total_p);
  const double weight = task.weight[row];
  if (threadIdx.x == 0 && cluster_rank() == 0 && task.loss != nullptr) {
    const double log_ratio = log(total_p) - log(total_q);
    task.loss[row] = static_cast<float>(weight * (kLn2 * apart + (rows.is_forward ? log_ratio : -log_ratio)));
  }

  // Forward: p - q. Reverse: p (log p - log q - KL) = p ln 2 (yp - yq - apart).
  const double by = weight * task.inverse_temperature;
  const auto factor_p = static_cast<float>(by / total_p);
  const auto factor_q = static_cast<float>(by / total_q);
  const auto tilt = static_cast<float>(kLn2 * by / total_p);
  const auto offset = static_cast<float>(apart);
  if (rows.is_forward) {
    write_pairs(rows, logits,
                [&](float yp, float yq) { return fast_exp2(yp) * factor_p - fast_exp2(yq) * factor_q; });
  } else {
    write_pairs(rows, logits, [&](float yp, float yq) {
      const float p = fast_exp2(yp);
      const float value = p * tilt * (yp - yq - offset);
      return p == 0 ? 0.0f : value;
    });
  }
}

template <bool is_full, RowPath path>
__global__ void __launch_bounds__(kRowThreads, resident_blocks(path, 2)) distill_kernel(DistillTask task) {
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
  require(
      logits.rows == 0 || (teacher.token_ids != nullptr && teacher.logprobs != nullptr && weight != nullptr),
      kWhere, "the teacher's token_ids or logprobs or weight is null (need all three)");
  top_k_kl_loss(plan_row(logits.vocab, device_info()), logits, teacher, direction, weight, temperature, loss,
                stream);
}

void full_kl_loss(const LogitRows& logits, const bf16* teacher_logits, std::int64_t teacher_stride,
                  KlDirection direction, const float* weight, float temperature, float* loss, Stream stream) {
  constexpr const char* kWhere = "full_kl_loss";
  check_rows(kWhere, logits, temperature);
  auto* teacher = const_cast<bf16*>(teacher_logits);  // checked, not written
  check_rows(kWhere, {teacher, logits.rows, logits.vocab, teacher_stride}, temperature);
  require(logits.rows == 0 || (teacher_logits != nullptr && weight != nullptr), kWhere,
          "teacher_logits or weight is null (need both)");
  full_kl_loss(plan_row(logits.vocab, device_info(), 2), logits, teacher_logits, teacher_stride, direction,
               weight, temperature, loss, stream);
}

}  // namespace reckon::cuda
