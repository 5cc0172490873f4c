# cmake --install: a tree that runs from wherever it is put. Beside it a machine needs the Debian packages of docker/runtime-packages.txt,
# Open MPI among them, for that must be the one whose mpirun starts the program.
set(share share/reckon)
set(licences share/doc/reckon)

# LibTorch's libraries find each other by paths relative to themselves, so they keep the places they have in the wheel.
set_target_properties(reckon PROPERTIES INSTALL_RPATH
  "$ORIGIN/../lib/torch/lib;$ORIGIN/../lib/nvidia/cu13/lib;$ORIGIN/../lib/nvidia/nccl/lib")
install(TARGETS reckon RUNTIME DESTINATION bin)
set(torch_libraries libtorch_cpu.so libc10.so libgomp.so.1)
if(RECKON_CUDA)
  list(APPEND torch_libraries libtorch_cuda.so libtorch_cuda_linalg.so libtorch_nvshmem.so libc10_cuda.so libcaffe2_nvrtc.so)
  file(GLOB nvidia_libraries RELATIVE "${RECKON_TORCH_DIR}" "${RECKON_TORCH_DIR}/nvidia/*/lib/*.so*")
else()
  # Of CUDA what the libraries for the CPU name, too.
  set(nvidia_libraries nvidia/cu13/lib/libcudart.so.13 nvidia/cu13/lib/libcupti.so.13)
endif()
foreach(library ${nvidia_libraries})
  cmake_path(GET library PARENT_PATH folder)
  install(FILES "${RECKON_TORCH_DIR}/${library}" DESTINATION lib/${folder})
endforeach()
list(TRANSFORM torch_libraries PREPEND "${RECKON_TORCH_DIR}/torch/lib/")
install(FILES ${torch_libraries} DESTINATION lib/torch/lib)

install(DIRECTORY recipes docs DESTINATION ${share})
install(DIRECTORY examples DESTINATION ${share} USE_SOURCE_PERMISSIONS PATTERN __pycache__ EXCLUDE)
install(PROGRAMS scripts/launch.sh DESTINATION ${share}/scripts)
install(DIRECTORY scripts/slurm scripts/pbs scripts/kubernetes DESTINATION ${share}/scripts)
install(FILES README.md CHANGELOG.md RESULTS.md docker/runtime-packages.txt DESTINATION ${share})

install(FILES LICENSE docker/NOTICE DESTINATION ${licences})
file(GLOB torch_licences "${RECKON_TORCH_DIR}/torch-*.dist-info/licenses")
install(FILES "${torch_licences}/LICENSE" DESTINATION ${licences} RENAME LICENSE.pytorch)
install(FILES "${torch_licences}/NOTICE" DESTINATION ${licences} RENAME NOTICE.pytorch)
file(GLOB nvidia_licences "${RECKON_TORCH_DIR}/nvidia_*.dist-info/licenses/License.txt")
foreach(licence ${nvidia_licences})
  string(REGEX REPLACE ".*/(nvidia_[a-z0-9_]+)-.*" "\\1" package "${licence}")
  if(RECKON_CUDA OR package MATCHES "cuda_(runtime|cupti)$")
    install(FILES "${licence}" DESTINATION ${licences} RENAME LICENSE.${package})
  endif()
endforeach()
