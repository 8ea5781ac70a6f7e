"""uniir serve"""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import typer

from app.cli.options import DataDir
from app.cli.output import say
from app.cli.tuning import tune_for_serving


def serve(
    host: Annotated[
        str | None, typer.Option(help="Where to listen; elsewhere than on loopback only with a token.", show_default="127.0.0.1")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The port; 0 takes a free one.", show_default="8765", min=0, max=65535)] = None,
    data_dir: DataDir = None,
) -> None:
    """Answer searches and ingests over HTTP until SIGTERM or Ctrl-C. Prints the address; the log goes to stderr."""
    tune_for_serving()
    from app.service.server import serve as run
    from uniir.settings import load_settings

    settings = load_settings(data_dir=data_dir, host=host, port=port)
    _log_to_stderr()
    run(settings, _say_at_once)


def _say_at_once(address: str) -> None:
    say(address)
    sys.stdout.flush()


def _log_to_stderr() -> None:
    """One line for every request and every trouble; libraries speak only of trouble."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("uniir").setLevel(logging.INFO)
    logging.getLogger("grpc._server").setLevel(logging.CRITICAL)  # Milvus Lite is asked for calls that it does not have, and goes on
