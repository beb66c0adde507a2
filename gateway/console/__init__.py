"""The web page for operators and supervisors: plain HTML, CSS and ES modules, no build step."""

from pathlib import Path

FOLDER = Path(__file__).parent
SUFFIXES = frozenset({".html", ".css", ".js", ".svg"})
