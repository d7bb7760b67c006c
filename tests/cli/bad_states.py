"""Kinds of bad states."""

from __future__ import annotations

from cli.bad_input import Kind

STATES: tuple[Kind, ...] = ()
