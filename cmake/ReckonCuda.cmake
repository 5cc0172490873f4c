# The library reckon_cuda of kernels/*.cu for GPUs. RECKON_CUDA_ARCHITECTURES names them: one is compiled in a third of the time of
# three. Multiplications and additions are fused where a kernel says so (fmaf), not where the compiler likes.
set(RECKON_CUDA_ARCHITECTURES "80-real;90a-real;100-real" CACHE STRING "GPUs that the kernels are compiled for")
set(CMAKE_CUDA_ARCHITECTURES "${RECKON_CUDA_ARCHITECTURES}")
if(NOT CMAKE_CUDA_COMPILER AND EXISTS /usr/local/cuda/bin/nvcc)
  set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
endif()
enable_language(CUDA)
find_package(CUDAToolkit REQUIRED)
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
file(GLOB runtime_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/kernels/*.cpp")
add_library(reckon_cuda STATIC ${kernel_sources} ${runtime_sources})
target_include_directories(reckon_cuda PRIVATE "${PROJECT_SOURCE_DIR}/kernels")
target_compile_options(reckon_cuda PRIVATE
  $<$<COMPILE_LANGUAGE:CUDA>:-fmad=false --expt-relaxed-constexpr -Xcompiler=-Wall,-Wextra,-ffp-contract=off -Werror=all-warnings
    --diag-suppress=20012>
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wshadow;-Werror;-ffp-contract=off>)
target_link_libraries(reckon_cuda PUBLIC CUDA::cudart CUDA::cublasLt)
