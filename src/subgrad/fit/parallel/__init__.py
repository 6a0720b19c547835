"""One run in several processes, the ranks of an MPI communicator."""
