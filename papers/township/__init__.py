"""A township as a folder of files: read it, write an empty one, load it into the database. The format: docs/township.md."""

from __future__ import annotations

from papers.township.blank import write_empty
from papers.township.fault import Fault, Faults
from papers.township.registry import load
from papers.township.rows import Loaded
from papers.township.township import Township, read

__all__ = ["Fault", "Faults", "Loaded", "Township", "load", "read", "write_empty"]
