#include <mpi.h>

#include <cstdlib>
#include <exception>

#include "mpi_communicator.h"
#include "reckon/base/error.h"
#include "reckon/base/log.h"

namespace reckon {
namespace {

/// srun without the right PMI starts every rank alone.
void refuse_lone_ranks() {
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "SLURM_NTASKS"}) {
    const char* text = std::getenv(variable);
    // An interactive allocation sets SLURM_NTASKS for a program started without srun as well; SLURM_STEP_ID
    // tells.
    if (text == nullptr ||
        (std::string_view(variable) == "SLURM_NTASKS" && std::getenv("SLURM_STEP_ID") == nullptr)) {
      continue;
    }
    if (std::atoi(text) != size) {
      MPI_Finalize();
      throw Error(ExitCode::environment, std::string("MPI: ") + variable + " is " + text + " but MPI sees " +
                                             std::to_string(size) +
                                             " rank(s). Start with mpirun, or with srun --mpi=pmix.");
    }
  }
}

}  // namespace

MpiSession::MpiSession(int* argc, char*** argv) {
  int thread_level = MPI_THREAD_SINGLE;
  MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &thread_level);
  refuse_lone_ranks();
  world_ = std::make_unique<MpiCommunicator>(std::make_shared<MpiJob>(thread_level));
}

MpiSession::~MpiSession() {
  const std::shared_ptr<MpiJob> job = static_cast<MpiCommunicator&>(*world_).job();
  // Ranks that are in trouble may never come to the end, and MPI_Finalize would wait for them: where this one
  // knows of it, it goes without.
  if (!job->has_failed() && std::uncaught_exceptions() == 0) {
    try {
      world_->set_activity("end of the job");
      world_->barrier();
    } catch (const Error& error) {
      log_error(error.what());
      world_->abort(static_cast<int>(error.code()));
    }
  }
  world_.reset();
  if (!job->has_failed()) MPI_Finalize();
}

}  // namespace reckon
