"""How the page reaches the service, and what it remembers of its slow-changing answers."""

from __future__ import annotations

import os
from itertools import zip_longest
from typing import TYPE_CHECKING

import streamlit as st

from app.web.titles import title_of
from uniir.documents import Modality
from uniir.errors import UniirError
from uniir.wire import CollectionsAnswer, ExampleQuery, FacetsAnswer, InstructionAnswer

if TYPE_CHECKING:
    from uniir.client import Client

SERVICE, KEY = "UNIIR_PAGE_SERVICE", "UNIIR_PAGE_KEY"  # app.page sets them for this process


@st.cache_resource(show_spinner=False)
def _connected(service: str, key: str) -> Client:
    import uniir

    return uniir.connect(service, token=key or None)


def client() -> Client:
    """The client of the service that this process's environment names; one for all sessions."""
    return _connected(os.environ[SERVICE], os.environ.get(KEY, ""))


@st.cache_data(ttl=600, show_spinner=False)
def _instructions(service: str) -> tuple[InstructionAnswer, ...]:
    return tuple(client().instructions().instructions)


def instructions() -> tuple[InstructionAnswer, ...]:
    """All instructions of the service. Raises UniirError."""
    return _instructions(os.environ[SERVICE])


@st.cache_data(ttl=5, show_spinner=False)
def _collections(service: str) -> CollectionsAnswer:
    return client().collections()


def collections() -> CollectionsAnswer:
    """All collections, as they were at most five seconds ago. Raises UniirError."""
    return _collections(os.environ[SERVICE])


@st.cache_data(ttl=60, show_spinner=False)
def _examples(service: str, collection: str, documents: int) -> tuple[ExampleQuery, ...]:
    return tuple(client().examples(collection))


def examples(collection: str, documents: int) -> tuple[ExampleQuery, ...]:
    """Example searches of a collection, asked for again when it holds more or fewer documents. Raises UniirError."""
    return _examples(os.environ[SERVICE], collection, documents)


@st.cache_data(ttl=60, max_entries=100, show_spinner=False)
def _facets(service: str, collection: str, where: str) -> FacetsAnswer:
    return client().facets(collection, where or None)


def facets(collection: str, where: str) -> FacetsAnswer:
    """What a collection could be narrowed by further, as it was at most a minute ago. Raises UniirError."""
    return _facets(os.environ[SERVICE], collection, where)


@st.cache_data(ttl=600, show_spinner=False)
def _pictures_beside(service: str, documents: tuple[str, ...]) -> tuple[str, ...]:
    try:
        beside = [[one.id for one in client().document(document).neighbours if one.modality.has_image] for document in documents]
    except UniirError:
        return documents
    turns = [one for turn in zip_longest(*beside) for one in turn if one is not None]
    return tuple(dict.fromkeys((*documents, *turns)))


def pictures_beside(documents: tuple[str, ...]) -> tuple[str, ...]:
    """These documents and those with pictures that stand beside them: a glance at a collection that costs no search."""
    return _pictures_beside(os.environ[SERVICE], documents)


@st.cache_data(ttl=600, show_spinner=False)
def _named(service: str, document: str) -> tuple[str, Modality]:
    known = client().document(document)
    return title_of(known), known.modality


def named(document: str) -> tuple[str, Modality] | None:
    """Title and kind of a document; None where it is gone or the service is away."""
    try:
        return _named(os.environ[SERVICE], document)
    except UniirError:  # not remembered: a service that is away comes back
        return None


def forget_collections() -> None:
    """Asks for the collections anew next time."""
    _collections.clear()
