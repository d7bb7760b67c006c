"""What changes between two rule sets, and the money each change moves on the real bill."""
