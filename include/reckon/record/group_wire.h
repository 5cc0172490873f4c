#pragma once
#include <string>
#include "reckon/record/rollout.h"
namespace reckon {
std::string group_wire(const Group& group);
void read_group_wire(std::string_view bytes, Group& group);
}  // namespace reckon
