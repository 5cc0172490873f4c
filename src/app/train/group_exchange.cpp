#include "group_exchange.h"

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "reckon/record/group_wire.h"

namespace reckon {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::logic_error("exchange_completions: " + what);
}

/// What names a group: its number, its prompt and how often that had been drawn.
std::string name_of(const Group& group) {
  return std::to_string(group.group_id) + " of prompt " + std::to_string(group.prompt.id) + ", visit " +
         std::to_string(group.visit);
}

}  // namespace

void exchange_completions(Communicator& world, const std::vector<Group>& mine, std::vector<Group>& all) {
  std::string bytes;
  for (const Group& group : mine) bytes += group_wire(group);
  std::size_t next = 0;
  for (const std::string& part : world.all_gather(bytes)) {
    for (std::string_view rest = part; !rest.empty(); ++next) {
      Group came = take_group_wire(rest);
      if (next == all.size()) fail("more groups came than the step has");
      if (name_of(came) != name_of(all[next]))
        fail("group " + name_of(came) + " came in place of " + name_of(all[next]));
      all[next].completions = std::move(came.completions);
    }
  }
  if (next != all.size()) fail(std::to_string(next) + " of " + std::to_string(all.size()) + " groups came");
}

}  // namespace reckon
