"""Sphinx's settings for the site that `make docs` builds; `docs/site/build.py` runs it.

The pages are the repository's Markdown files where they stand, so that every link is right on the
site and on a code host alike.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "syncer"
author = "the authors of syncer"
project_copyright = author
extensions = ["myst_parser", "sphinx.ext.autodoc", "navigation", "api"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "plugins/*/README.md",
    "contrib/*/README.md",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
]
# What else is in a checkout, so that it is not walked through in search of pages.
exclude_patterns = [".*", "build", "dist", "tests", "syncer", "benchmarks", "**/src", "**/tests"]

myst_heading_anchors = 6  # as a code host makes them
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]  # types in signatures, which are of many libraries
smartquotes = False  # two hyphens are two hyphens
highlight_language = "text"

html_theme = "furo"
html_title = "syncer"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["copy.js"]

autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_member_order = "bysource"
