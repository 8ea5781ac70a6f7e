"""A guesser behind an address that speaks OpenAI's chat completions, as vLLM, llama.cpp, Ollama and many services do."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import httpx
from PIL import Image

from uniir.errors import ModelUnavailable

_WORDS = 200  # tokens of an answer
_ANSWER_BYTES = 2**20
_QUALITY = 90
_WAY_OUT = "Check the settings `guess_url`, `guess_model` and `guess_key`."
# What stands for a change of speaker in some model's own writing; a blank takes its meaning away and leaves the words.
_MARKS = re.compile(r"<(?=[|\uff5c/\w])|\[(?=/?[A-Z_]+\])")


class ChatGuesser:
    """Implements uniir.protocols.Guesser. The address is the settings' alone: no request can name another. Thread-safe."""

    def __init__(self, url: str, model: str, key: str | None, seconds: float) -> None:
        address = httpx.URL(url)
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._seconds = seconds
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # a proxy of the environment is never the way to this machine; redirects could lead anywhere and are not followed
        self._http = httpx.Client(headers=headers, timeout=seconds, trust_env=not _is_loopback(address.host), follow_redirects=False)
        self._where = address.host

    @property
    def model(self) -> str:
        return self._model

    def close(self) -> None:
        self._http.close()

    def write(self, task: str, text: str | None, picture: Image.Image | None) -> str:
        """The task stands in the system's role, what people gave in the user's, as values of their own. Raises ModelUnavailable."""
        content: list[dict[str, object]] = []
        if text is not None:
            content.append({"type": "text", "text": _MARKS.sub(lambda mark: f"{mark[0]} ", text)})
        if picture is not None:
            content.append({"type": "image_url", "image_url": {"url": _data_url(picture)}})
        messages: Sequence[Mapping[str, object]] = ({"role": "system", "content": task}, {"role": "user", "content": content})
        return _said(self._answer({"model": self._model, "messages": messages, "max_tokens": _WORDS, "temperature": 0, "n": 1}))

    def _answer(self, body: Mapping[str, object]) -> bytes:
        """What came back, within time and size."""
        deadline = time.monotonic() + self._seconds
        read = bytearray()
        try:
            with self._http.stream("POST", self._url, json=body) as response:
                for part in response.iter_bytes():
                    read += part
                    if len(read) > _ANSWER_BYTES:
                        raise ModelUnavailable(f"The model at {self._where} answers without end.", _WAY_OUT)
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("too slow")
        except httpx.TimeoutException:
            raise ModelUnavailable(f"The model at {self._where} took longer than {self._seconds:g} s.", _WAY_OUT) from None
        except httpx.TransportError:
            raise ModelUnavailable(f"No model answers at {self._where}.", _WAY_OUT) from None
        if not response.is_success:
            raise ModelUnavailable(f"The model at {self._where} answered with status {response.status_code}.", _WAY_OUT)
        return bytes(read)


def _said(answer: bytes) -> str:
    try:
        content: Any = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        content = None
    if isinstance(content, list):  # in parts, as some services answer
        content = "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    if not isinstance(content, str):
        raise ModelUnavailable("What came back is no chat completion.", _WAY_OUT)
    return content


def _data_url(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
