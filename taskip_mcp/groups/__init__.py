"""One module per section of the API reference: typed async functions, nothing else."""
