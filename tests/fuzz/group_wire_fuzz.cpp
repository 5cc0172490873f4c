// Any bytes as records of groups, one behind the other, as ranks send them.
#include <string_view>

#include "reckon/record/group_wire.h"
#include "refusals.h"

namespace reckon::fuzz {
namespace {

void check_records(std::string_view records) {
  while (!records.empty()) {
    std::string_view rest = records;
    const auto group = accepted(ExitCode::bad_data, "group record: ", [&] { return take_group_wire(rest); });
    if (!group) {
      require(rest.size() == records.size(), "nothing is taken of what is refused");
      return;
    }
    require(rest.size() < records.size(), "a record has bytes");
    require(group_wire(*group) == records.substr(0, records.size() - rest.size()),
            "a record that is read has all that it says");
    records = rest;
  }
}

}  // namespace
}  // namespace reckon::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  reckon::fuzz::check_records(reckon::fuzz::text_of(data, size));
  return 0;
}
