"""Builds the site: python docs/site/build.py [FOLDER]

Strict: a warning is an error, and so are a link within the site that leads nowhere, and a page that
would have a browser ask any other host for anything.
"""

import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from re import findall
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[2]
FIRST = "docs/index.html"
_START = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>syncer</title>
<meta http-equiv="refresh" content="0; url={FIRST}"></head>
<body><a href="{FIRST}">Documentation</a></body></html>
"""
#: Relations of `<link>` that a browser does not fetch.
_NOT_FETCHED = {"canonical", "next", "prev", "index", "search", "author", "copyright", "genindex"}


class _Found(HTMLParser):
    """What a page has in it: anchors, links, and what is fetched to show it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Sort what one element names."""
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "link" and not set(given.get("rel", "").split()) <= _NOT_FETCHED:
            self.fetched.append(given.get("href", ""))
        self.fetched += [given[name] for name in ("src", "poster", "data") if name in given]
        self.fetched += [part.split()[0] for part in given.get("srcset", "").split(",") if part]
        self.fetched += _fetched_by_style(given.get("style", ""))


def _fetched_by_style(style: str) -> list[str]:
    found = findall(r"url\(\s*['\"]?([^'\")]+)|@import\s+['\"]([^'\"]+)", style)
    return [first or second for first, second in found]


def _is_outside(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.netloc) or parts.scheme not in ("", "data")


def asked_of_others(site: Path) -> Iterator[str]:
    """What pages and their styles would have a browser fetch from elsewhere."""
    for page in sorted(site.rglob("*.html")):
        for address in filter(_is_outside, _Found(page.read_text()).fetched):
            yield f"{page.relative_to(site)}: {address}"
    for style in sorted(site.rglob("*.css")):
        for address in filter(_is_outside, _fetched_by_style(style.read_text())):
            yield f"{style.relative_to(site)}: {address}"


def broken(site: Path) -> Iterator[str]:
    """Links within the site to files or anchors that are not there."""
    pages = {page: _Found(page.read_text()) for page in site.rglob("*.html")}
    for page, found in sorted(pages.items()):
        for link in found.links:
            if _is_outside(link):
                continue
            path, _, anchor = link.partition("#")
            there = (page.parent / unquote(path)).resolve() if path else page
            known = pages.get(there)
            missing = bool(anchor) and known is not None and unquote(anchor) not in known.anchors
            if not there.is_file() or missing:
                yield f"{page.relative_to(site)}: {link}"


def build(site: Path) -> str:
    """Build the site into a folder; returns what is wrong with it, in lines, empty if nothing."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-E", "-j", "auto"]
    command += ["-b", "html", "-c", str(Path(__file__).parent)]
    command += ["-d", str(site.parent / f"{site.name}-doctrees"), str(ROOT), str(site)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stdout + done.stderr
    (site / "index.html").write_text(_START)
    wrong = [f"fetched from elsewhere: {found}" for found in asked_of_others(site)]
    wrong += [f"leads nowhere: {found}" for found in broken(site)]
    return "\n".join(wrong)


def main(arguments: list[str]) -> None:
    """Build into the folder that is named, else build/site."""
    site = Path(arguments[0] if arguments else ROOT / "build/site").resolve()
    if wrong := build(site):
        sys.exit(wrong)
    sys.stdout.write(f"{site / 'index.html'}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
