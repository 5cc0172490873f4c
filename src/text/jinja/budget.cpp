#include "budget.h"

namespace reckon::jinja {

void Budget::fail_steps() const {
  throw Failure("the template takes more than " + std::to_string(limits_.steps) +
                " steps (need fewer loop iterations and shorter texts)");
}

void Budget::fail_output() const {
  throw Failure("the template makes a text of more than " + std::to_string(limits_.output_bytes) + " bytes");
}

void Budget::fail_depth() const {
  throw Failure("macro calls or values are nested deeper than " + std::to_string(limits_.depth) +
                " levels, or expressions too deeply for the stack");
}

}  // namespace reckon::jinja
