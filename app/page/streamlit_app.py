"""Streamlit as an ASGI application with our appearance, from any working directory."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from starlette.types import ASGIApp

from uniir.errors import ModelUnavailable

_WEB = Path(str(files("app.web")))
SCRIPT = _WEB / "front.py"


def streamlit_app(upload_megabytes: int) -> ASGIApp:
    """The page; one for a process. Its script learns through the process's environment where the service is.

    Raises ModelUnavailable where Streamlit is not installed.
    """
    try:
        import streamlit
        from streamlit import config
    except ImportError as error:
        raise ModelUnavailable(f"The page needs {error.name}, which is not installed.", "Install `uniir[ui]`.") from None
    options = dict(_flat(tomllib.loads((_WEB / "appearance.toml").read_text("utf-8"))))
    options["server.maxUploadSize"] = upload_megabytes
    config.get_config_options(force_reparse=True, options_from_flags=options)
    app: ASGIApp = streamlit.App(SCRIPT)
    return app


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
