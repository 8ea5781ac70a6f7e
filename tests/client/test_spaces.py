"""Spaces over HTTP: a running service changes its encoder, and answers on."""

from __future__ import annotations

from pathlib import Path

import pytest

import uniir
from app.service.server import BackgroundServer
from tests.folders import lay, picture
from tests.local.places import ingested, local_service
from uniir.errors import UsageError
from uniir.spaces import SpaceState
from uniir.wire import PromoteRequest, RemoveSpaceRequest, RollbackRequest, SearchRequest, SpaceRequest

SECRET = "for this test alone"


@pytest.mark.slow
def test_a_running_service_searches_in_another_space_at_once(tmp_path: Path) -> None:
    corpus = lay(tmp_path / "corpus", {"cat.jpg": picture(1), "boat.txt": "a boat at sunset"})
    with local_service(tmp_path) as service:
        ingested(service, corpus)
        server = BackgroundServer(service, service.settings, SECRET)
        server.start()
        with uniir.connect(server.address, SECRET) as client, uniir.connect(server.address) as stranger:
            before = stranger.search(SearchRequest(text="a boat", k=1)).hits[0]
            *_, job = client.follow(client.add_space(SpaceRequest(encoder="starter")).id)
            assert job.filled is not None
            assert job.filled.space.missing == 0
            assert job == client.job(job.id) == service.job(job.id)
            assert client.promote_space(PromoteRequest()) == client.spaces() == service.spaces()
            after = stranger.search(SearchRequest(text="a boat", k=1)).hits[0]
            assert (after.id, after.score != before.score) == (before.id, True)
            client.rollback_space(RollbackRequest())
            assert stranger.search(SearchRequest(text="a boat", k=1)).hits[0].score == before.score
            with pytest.raises(UsageError, match="none of them"):
                client.remove_space(RemoveSpaceRequest(space="no such"))
            assert [one.state for one in client.remove_space(RemoveSpaceRequest()).spaces] == [SpaceState.ACTIVE]
        server.stop()
