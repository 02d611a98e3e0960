"""A folder of what was recognised in recordings: one record a file, and one timeline of all."""

from edgevtn.results.folder import Results
from edgevtn.results.shots import Shots

__all__ = ["Results", "Shots"]
