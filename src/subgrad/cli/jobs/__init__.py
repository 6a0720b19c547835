"""The jobs: data read and prepared, a network trained, judged and written into a file."""
