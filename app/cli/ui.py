"""`uniir ui`: the page."""

from __future__ import annotations

import sys
import webbrowser
from typing import Annotated

import typer

from app.cli.options import DataDir
from app.cli.output import say
from app.cli.tuning import tune_for_serving


def ui(
    data_dir: DataDir = None,
    host: Annotated[str | None, typer.Option("--host", help="Where to listen; elsewhere than on loopback only with a token.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="The port; 0 takes a free one.", show_default="8765")] = None,
    service: Annotated[str | None, typer.Option("--service", help="The address of a service elsewhere, for the page alone.")] = None,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
) -> None:
    """Show the page: search, ingest, collections.

    Serves the data directory as well, or stands in front of whoever does that already. Ends with Ctrl+C.
    """
    tune_for_serving()
    from app.page.running import run
    from uniir.settings import load_settings

    settings = load_settings(data_dir=data_dir, host=host, port=port)

    def tell(address: str) -> None:
        say(address)
        sys.stdout.flush()
        if open_browser:
            webbrowser.open(address)

    run(settings, tell, service)
