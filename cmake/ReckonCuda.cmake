# The preset cuda: nvcc and the CUDA toolkit. RECKON_CUDA_ARCHITECTURES names the GPUs: one is compiled in a third of the time of three.
set(RECKON_CUDA_ARCHITECTURES "80-real;90a-real;100-real" CACHE STRING "GPUs that the kernels are compiled for")
set(CMAKE_CUDA_ARCHITECTURES "${RECKON_CUDA_ARCHITECTURES}")
if(NOT CMAKE_CUDA_COMPILER AND EXISTS /usr/local/cuda/bin/nvcc)
  set(CMAKE_CUDA_COMPILER /usr/local/cuda/bin/nvcc)
endif()
enable_language(CUDA)
if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has it
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION "-std=c++20")
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION "-std=c++20")
endif()
set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
# A process has one cublasLt, and LibTorch's cuBLAS wants the one that came with it.
set(wheel_cublaslt "${RECKON_TORCH_DIR}/nvidia/cu13/lib/libcublasLt.so.13")
if(EXISTS "${wheel_cublaslt}")
  set(CUDA_cublasLt_LIBRARY "${wheel_cublaslt}" CACHE FILEPATH "")
endif()
find_package(CUDAToolkit REQUIRED)
