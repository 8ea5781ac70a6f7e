"""Streamlit's one HTML file with our name and styles in it, and with the word where its server is, so that it need not look for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

PAGES = frozenset({"/", "/ingest", "/collections"})
_STYLES = ("page.css", "bar/bar.css", "results/grid.css", "document/dialog.css")
_SERVER = """<script>
      const here = location.origin + "/"
      window.__streamlit = {BACKEND_BASE_URL: here, HOST_CONFIG_BASE_URL: here, MAIN_PAGE_BASE_URL: here}
    </script>
  </head>"""
_CHANGES = (
    ("<title>Streamlit</title>", "<title>uniir</title>"),
    ('<link rel="shortcut icon" href="./favicon.png" />', ""),  # the page brings its own
    ("</head>", _SERVER),
)
# Scripts of what the first screen shows. Streamlit's asks for them one after the other, each when it meets the first such thing.
_SHOWN_FIRST = ("BidiComponent", "Button", "Html", "PageLink", "Popover", "Selectbox", "TextInput")
_PRELOAD = '<link rel="modulepreload" crossorigin href="./static/js/{}">'
_IMPORTED = re.compile(r'''(?:from|import)\s*"\./([\w.-]+\.js)"''')


class Index:
    """Answers for the address of every screen."""

    def __init__(self) -> None:
        static = Path(str(files("streamlit"))) / "static"
        page = (static / "index.html").read_text("utf-8")
        styles = "".join((files("app.web") / name).read_text("utf-8") for name in _STYLES)
        page = page.replace("</body>", f"<style>{styles}</style></body>", 1)  # behind Streamlit's own, so that ours win
        for old, new in _CHANGES:
            page = page.replace(old, new, 1)
        early = "".join(
            f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in _early(static / "static" / "js", page)
        )
        self._page = page.replace("</head>", f"{early}</head>", 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await HTMLResponse(self._page, headers={"Cache-Control": "no-cache"})(scope, receive, send)


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """For an address that no screen has."""
    page = (files("app.page") / "nowhere.html").read_text("utf-8")
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    await HTMLResponse(page, 404, headers)(scope, receive, send)


def _early(scripts: Path, page: str) -> Iterator[str]:
    """The files of what is shown first and what these import, without those that the page names itself."""
    wanted = [file.name for part in _SHOWN_FIRST for file in scripts.glob(f"{part}.*.js")]
    known = set(wanted)
    while wanted:
        name = wanted.pop()
        yield name
        imported = set(_IMPORTED.findall((scripts / name).read_text("utf-8"))) - known
        known |= imported
        wanted += [one for one in imported if one not in page and (scripts / one).is_file()]
