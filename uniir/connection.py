"""HTTP to a service: one pool of connections, and every failure in the words of uniir.errors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from uniir.errors import ServiceUnavailable, UniirError, UsageError
from uniir.problems import error_of
from uniir.wire import Problem

_T = TypeVar("_T", bound=BaseModel)
USUAL = httpx.Timeout(60.0, connect=5.0)
PATIENT = httpx.Timeout(None, connect=5.0)  # for what takes as long as the collection is large
_QUICK = httpx.Timeout(5.0, connect=2.0)
_TRIES = 2  # of a read: a connection that lay idle may have been closed by the other side


class Connection:
    """Thread-safe. Raises ServiceUnavailable where nobody answers, and the service's own errors as the classes they were there."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self.address = address.rstrip("/")
        try:
            url = httpx.URL(self.address)
        except httpx.InvalidURL:
            url = httpx.URL("")
        if url.scheme not in ("http", "https") or not url.host:
            raise UsageError(f"{address!r} is no address of a service.", "It looks like http://127.0.0.1:8765.")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # a proxy of the environment is never the way to this machine
        self._http = httpx.Client(base_url=self.address, headers=headers, timeout=USUAL, trust_env=not _is_loopback(url.host))

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, answer: type[_T], /, **parameters: object) -> _T:
        return self._read(answer, self._again("GET", path, params=_given(parameters)))

    def greet(self, path: str, answer: type[_T]) -> _T:
        """A GET that is answered at once or not at all."""
        return self._read(answer, self._send("GET", path, timeout=_QUICK))

    def list(self, path: str, item: type[_T], /, **parameters: object) -> Sequence[_T]:
        response = self._again("GET", path, params=_given(parameters))
        try:
            return TypeAdapter(list[item]).validate_json(response.content)  # type: ignore[valid-type]
        except ValidationError as error:
            raise self._stranger() from error

    def file(self, path: str, /, **parameters: object) -> bytes:
        return self._again("GET", path, params=_given(parameters)).content

    def ask(self, path: str, request: BaseModel, answer: type[_T]) -> _T:
        """A POST that changes nothing, so it may be sent twice."""
        return self._read(answer, self._again("POST", path, **_json(request)))

    def post(self, path: str, answer: type[_T], request: BaseModel | None = None, timeout: httpx.Timeout = USUAL, **options: Any) -> _T:
        """A POST that does something, sent once."""
        body = _json(request) if request is not None else {}
        return self._read(answer, self._send("POST", path, timeout=timeout, **body, **options))

    def delete(self, path: str, answer: type[_T]) -> _T:
        return self._read(answer, self._send("DELETE", path))

    def events(self, path: str, answer: type[_T], request: BaseModel | None = None) -> Iterator[_T]:
        """The data of server-sent events, until the stream ends; a request is posted."""
        content = None if request is None else request.model_dump_json(by_alias=True)
        headers = {} if request is None else {"content-type": "application/json"}
        method = "GET" if request is None else "POST"
        with self._translated(), self._http.stream(method, path, timeout=USUAL, content=content, headers=headers) as response:
            if response.is_error:
                response.read()
                self._raise(response)
            data: list[str] = []
            for line in response.iter_lines():
                if line.startswith("data:"):
                    data.append(line[5:].removeprefix(" "))
                elif not line and data:
                    try:
                        yield answer.model_validate_json("\n".join(data))
                    except ValidationError as error:
                        raise self._stranger() from error
                    data = []

    def _again(self, method: str, path: str, **options: Any) -> httpx.Response:
        for left in reversed(range(_TRIES)):
            try:
                return self._send(method, path, **options)
            except ServiceUnavailable as error:
                if not left or not isinstance(error.__cause__, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
                    raise
        raise AssertionError

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        with self._translated():
            response = self._http.request(method, path, **options)
        if not response.is_success:
            self._raise(response)
        return response

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise ServiceUnavailable(f"The service at {self.address} did not answer in time.", "Try again in a moment.") from error
        except httpx.TransportError as error:
            raise ServiceUnavailable(
                f"No service answers at {self.address}.", "Start it with `uniir serve` or `uniir ui`, or check the address."
            ) from error

    def _raise(self, response: httpx.Response) -> None:
        try:
            problem = Problem.model_validate_json(response.content)
        except ValidationError:
            raise self._stranger() from None
        error: UniirError = error_of(problem)
        raise error

    def _read(self, answer: type[_T], response: httpx.Response) -> _T:
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            raise self._stranger() from error

    def _stranger(self) -> ServiceUnavailable:
        return ServiceUnavailable(f"What answers at {self.address} is no uniir service, or one of another version.", "Check the address.")


def _json(request: BaseModel) -> Mapping[str, Any]:
    content = json.dumps(request.model_dump(mode="json", by_alias=True), ensure_ascii=False).encode()
    return {"content": content, "headers": {"Content-Type": "application/json"}}


def _given(parameters: Mapping[str, object]) -> Mapping[str, Any]:
    return {name: value for name, value in parameters.items() if value is not None}


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"
