# reckon::nccl: the calls of NCCL that dist's communicator makes. A library of its own: only what sums on GPUs links NCCL.
find_path(NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS} REQUIRED)
find_library(NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT}/lib REQUIRED)
add_library(reckon_nccl STATIC "${PROJECT_SOURCE_DIR}/src/dist/cuda/nccl_calls.cpp")
add_library(reckon::nccl ALIAS reckon_nccl)
target_include_directories(reckon_nccl SYSTEM PRIVATE "${NCCL_INCLUDE}")
target_link_libraries(reckon_nccl PUBLIC reckon::dist PRIVATE reckon_options "${NCCL_LIBRARY}" CUDA::cudart)
