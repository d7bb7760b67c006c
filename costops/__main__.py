"""`python -m costops` is the `costops` command."""

from costops.cli import main

if __name__ == "__main__":
    main()
