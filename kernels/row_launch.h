#pragma once

// Starts a kernel whose clusters loop over rows of logits.
#include "launch.h"
#include "row_plan.h"

namespace reckon::cuda {

/// Starts the one of two kernels that does the plan's path.
template <class... P>
void launch_rows(const char* name, void (*on_shared)(P...), void (*on_streaming)(P...), const RowPlan& plan,
                 std::int64_t rows, Stream stream, std::type_identity_t<P>... args) {
  if (rows == 0) return;
  auto* kernel = plan.path == RowPath::shared ? on_shared : on_streaming;
  LaunchShape shape{
      .grid = dim3(), .threads = kRowThreads, .cluster = plan.cluster(), .shared_bytes = plan.shared_bytes()};
  const std::int64_t most = resident_clusters(name, kernel, shape);
  shape.grid.x = static_cast<unsigned>(rows < most ? rows : most) * shape.cluster;
  launch(name, kernel, shape, stream, args...);
}

}  // namespace reckon::cuda
