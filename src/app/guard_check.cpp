#include "guard_check.h"

namespace reckon {

void check_guard(const Table& table, const GuardConfig& guard) {
  if (guard.spike_factor > 0 && guard.spike_factor <= 1) {
    table.report_value(
        "spike_factor", guard.spike_factor,
        " (need more than 1, such as 10, or 0 for off: half of all norms are above the median)");
  }
  if (guard.spike_factor == 0 && guard.spike_action != SpikeAction::skip) {
    table.report_value("spike_action", guard.spike_action,
                       ", and no norm is a spike (need spike_factor above 1, such as 10)");
  }
  if (guard.collapse_fraction == 0 && guard.on_collapse == AlarmAction::stop) {
    table.report_value("on_collapse", guard.on_collapse,
                       ", and that alarm is off (need collapse_fraction above 0)");
  }
  if (guard.zero_variance_steps == 0 && guard.on_zero_variance == AlarmAction::stop) {
    table.report_value("on_zero_variance", guard.on_zero_variance,
                       ", and that alarm is off (need zero_variance_steps above 0)");
  }
}

}  // namespace reckon
