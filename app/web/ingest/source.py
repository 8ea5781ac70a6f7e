"""What to ingest, into which collection: a folder of the service's machine, or files of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import streamlit as st

from app.web import plain_html
from app.web.safe_text import sentence_as_markdown
from uniir.errors import UniirError, UsageError
from uniir.wire import CollectionsAnswer, IngestRequest, JobAnswer

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from uniir.client import Client

_FOLDER, _FILES = ":material/folder_open: Server folder", ":material/upload_file: My files"
_ROUND = "ingest_upload_round"  # an uploader is emptied by giving it another key


def source_card(client: Client, collections: CollectionsAnswer, active: Sequence[JobAnswer]) -> JobAnswer | None:
    """Draws the card; returns the job that was started."""
    with st.container(border=True, key="source"):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            source = st.segmented_control(
                "Where from", (_FOLDER, _FILES), default=_FOLDER, required=True, key="ingest_source", label_visibility="collapsed"
            )
            collection = _collection(collections)
        busy = any(job.collection == collection for job in active)
        return _files(client, collection, busy) if source == _FILES else _folder(client, collection, collections.corpus_roots, busy)


def _collection(collections: CollectionsAnswer) -> str:
    names = [one.name for one in collections.collections]
    usual = st.query_params.get("collection") or collections.default or "default"
    if usual not in names:
        names.insert(0, usual)
    chosen = st.selectbox(
        "Collection",
        names,
        index=names.index(usual),
        accept_new_options=True,
        key="ingest_collection",
        icon=":material/layers:",
        label_visibility="collapsed",
        placeholder="Collection",
        width=220,
    )
    return str(chosen or usual)


def _folder(client: Client, collection: str, roots: Sequence[str], busy: bool) -> JobAnswer | None:
    with st.container(horizontal=True, vertical_alignment="center"):
        typed = st.text_input(
            "Folder",
            key="ingest_folder",
            label_visibility="collapsed",
            placeholder="Folder or file, as in photos/autumn" if roots else "No folder may be read from here yet",
            disabled=not roots,
        )
        prune = st.checkbox("Remove what is gone from the folder", key="ingest_prune", disabled=not roots)
        pressed = st.button("Start", type="primary", icon=":material/play_arrow:", key="start", disabled=busy or not roots)
    _which_folders(roots)
    if not pressed:
        return None
    try:
        path = allowed_path(typed or "", roots)
        return client.start_ingest(IngestRequest(paths=[path], collection=collection, prune=prune, within_roots=True))
    except UniirError as error:
        st.error(sentence_as_markdown(str(error)), icon=":material/error:")
        return None


def _which_folders(roots: Sequence[str]) -> None:
    if roots:
        parts = [part for root in roots for part in (f"{root.rstrip('/')}/", " or ")][:-1]
        plain_html.sentence(
            "Folders under ",
            *parts,
            " may be read. One ingest per collection runs at a time.",
            code={f"{root.rstrip('/')}/" for root in roots},
        )
        return
    setting = 'corpus_roots = ["/path/to/folder"]'
    plain_html.sentence(
        "Name folders that may be read with ", setting, " in ", "uniir.toml", ", or add files of yours.", code={setting, "uniir.toml"}
    )


def allowed_path(typed: str, roots: Sequence[str]) -> str:
    """The absolute path that was meant: below the root that it names, else below the first. Raises UsageError for any other place."""
    path = PurePosixPath(typed.strip())
    if not typed.strip():
        raise UsageError("No folder is named.", "Type one, as in photos/autumn.")
    if ".." in path.parts:
        raise UsageError(f"{typed} leaves its folder.", "Name a folder without “..”.")
    if not path.is_absolute():
        named = next((root for root in map(PurePosixPath, roots) if root.name == path.parts[0]), None) if path.parts else None
        path = named.parent / path if named is not None else PurePosixPath(roots[0]) / path
    if not any(path.is_relative_to(root) for root in roots):
        raise UsageError(f"{path} may not be read from here.", f"Folders under {' or '.join(roots)} may.")
    return str(path)


def _files(client: Client, collection: str, busy: bool) -> JobAnswer | None:
    turn = st.session_state.setdefault(_ROUND, 0)
    files: list[UploadedFile] = st.file_uploader(
        "Files", accept_multiple_files=True, key=f"ingest_files_{turn}", label_visibility="collapsed"
    )
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        plain_html.muted("Pictures, texts and .jsonl. A picture and a text of the same name make a pair.")
        pressed = st.button("Start", type="primary", icon=":material/play_arrow:", key="start", disabled=busy or not files)
    if not pressed:
        return None
    try:
        job = client.ingest_files([(file.name, file.getvalue()) for file in files], collection)
    except UniirError as error:
        st.error(sentence_as_markdown(str(error)), icon=":material/error:")
        return None
    st.session_state[_ROUND] = turn + 1
    return job
