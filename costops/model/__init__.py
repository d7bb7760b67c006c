"""What the rooms hand each other: frozen dataclasses without third-party imports."""
