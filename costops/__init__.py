"""Terraform's loop for cloud cost allocation: rules in git, plans with money, versioned allocations."""

__version__ = "0.1.0"
