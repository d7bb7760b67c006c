"""The room of the terminal application: it may use the workspace, the model and the renderers, nothing else."""
