#include "reckon/record/metrics.h"

#include <nlohmann/json.hpp>

#include "reckon/base/error.h"

namespace reckon {

bool is_measurement(std::string_view name) {
  return name == "seconds" || name.ends_with("_seconds") || name.starts_with("rss_") ||
         name.starts_with("straggler_");
}

void MetricsStream::write(const MetricsRow& row) {
  nlohmann::ordered_json line;
  line["stage"] = row.stage;
  line["step"] = row.step;
  for (const auto& [name, value] : row.values) {
    if (line.contains(name)) {
      throw Error(ExitCode::internal, "metrics: \"" + name + "\" stands twice in step " +
                                          std::to_string(row.step) + " of stage \"" + row.stage +
                                          "\" (need each name once)");
    }
    std::visit([&, &key = name](const auto& held) { line[key] = held; }, value);
  }
  lines_.append(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace reckon
