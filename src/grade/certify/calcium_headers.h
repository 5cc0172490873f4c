#pragma once

// Calcium's headers, which are C: their inline functions let the void* of malloc become any other pointer.
// While they are read, the three allocating functions give something that does so in C++ too.

#include <acb.h>
#include <flint/flint.h>
#include <flint/fmpq_poly.h>
#include <flint/fmpz_mpoly.h>
// What Calcium's headers include themselves and is clean C++ has been read before the names change.
#include <antic/nf.h>
#include <antic/nf_elem.h>

namespace reckon {

struct AnyPointer {
  void* address;
  template <class T>
  operator T*() const {  // NOLINT: the conversion is what it is for
    return static_cast<T*>(address);
  }
};

}  // namespace reckon

#define flint_malloc(size) \
  ::reckon::AnyPointer {   \
    flint_malloc(size)     \
  }
#define flint_calloc(count, size) \
  ::reckon::AnyPointer {          \
    flint_calloc(count, size)     \
  }
#define flint_realloc(old, size) \
  ::reckon::AnyPointer {         \
    flint_realloc(old, size)     \
  }
#include <ca.h>
#undef flint_malloc
#undef flint_calloc
#undef flint_realloc
