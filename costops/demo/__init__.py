"""The demo workspace, the generator of its bill and usage, and what `costops init` writes."""
