#pragma once

struct CUstream_st;

namespace reckon {

/// A CUDA stream, as cudaStream_t; null is the default stream.
using Stream = CUstream_st*;

}  // namespace reckon
