"""The command line: it parses, calls the library and prints, and knows nothing of coding itself."""

from suggester.cli.app import main

__all__ = ["main"]
