# The preset cuda: kernels/<op>.cu, one op a file, for sm_80, sm_90 and sm_100. Nothing in kernels/ yet: the preset then asks for
# a CUDA compiler and builds the CPU program.
enable_language(CUDA)
set(CMAKE_CUDA_STANDARD 20)
file(GLOB kernel_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.cu")
if(kernel_sources)
  add_library(reckon_kernels OBJECT ${kernel_sources})
  set_target_properties(reckon_kernels PROPERTIES CUDA_ARCHITECTURES "80-real;90-real;100-real")
else()
  message(STATUS "RECKON_CUDA: kernels/ has no .cu files; the program runs on the CPU")
endif()

# reckon::nccl: the calls of NCCL that dist's communicator makes. A library of its own: only what sums on GPUs links NCCL.
find_package(CUDAToolkit REQUIRED)
find_path(NCCL_INCLUDE nccl.h HINTS ${CUDAToolkit_INCLUDE_DIRS} REQUIRED)
find_library(NCCL_LIBRARY nccl HINTS ${CUDAToolkit_LIBRARY_DIR} ${CUDAToolkit_LIBRARY_ROOT}/lib REQUIRED)
add_library(reckon_nccl STATIC "${PROJECT_SOURCE_DIR}/src/dist/cuda/nccl_calls.cpp")
add_library(reckon::nccl ALIAS reckon_nccl)
target_include_directories(reckon_nccl SYSTEM PRIVATE "${NCCL_INCLUDE}")
target_link_libraries(reckon_nccl PUBLIC reckon::dist PRIVATE reckon_options "${NCCL_LIBRARY}" CUDA::cudart)
