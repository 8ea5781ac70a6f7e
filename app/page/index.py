"""Streamlit's one HTML file with our name and styles in it, and with the word where its server is, so that it need not look for it."""

from __future__ import annotations

from importlib.resources import files

from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

PAGES = frozenset({"/", "/ingest", "/collections"})
_STYLES = ("page.css", "bar.css", "grid.css", "dialog.css")
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


class Index:
    """Answers for the address of every screen."""

    def __init__(self) -> None:
        page = (files("streamlit") / "static" / "index.html").read_text("utf-8")
        styles = "".join((files("app.web") / name).read_text("utf-8") for name in _STYLES)
        page = page.replace("</body>", f"<style>{styles}</style></body>", 1)  # behind Streamlit's own, so that ours win
        for old, new in _CHANGES:
            page = page.replace(old, new, 1)
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await HTMLResponse(self._page, headers={"Cache-Control": "no-cache"})(scope, receive, send)
