"""The compose files: what the specification says, what is promised of them, and settings that exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import ComposeSpecification, Service
from pydantic import ValidationError

from uniir.settings import Settings

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "docker-compose.laptop.yml")


def content(name: str) -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / name).read_text("utf-8")))


def services(name: str) -> list[tuple[str, dict[str, Any]]]:
    return list(content(name)["services"].items())


@pytest.mark.parametrize("name", FILES)
def test_it_is_what_the_compose_specification_allows(name: str) -> None:
    read = ComposeSpecification.model_validate(content(name))
    assert read.services.keys() == content(name)["services"].keys()
    for service, told in services(name):  # the library reads over words it does not know
        assert told.keys() <= {field.alias or field_name for field_name, field in Service.model_fields.items()}, service
    wrong = content(name)
    next(iter(wrong["services"].values()))["healthcheck"] = "please"
    with pytest.raises(ValidationError):
        ComposeSpecification.model_validate(wrong)


@pytest.mark.parametrize("name", FILES)
def test_every_service_is_pinned_limited_watched_and_on_this_machine_alone(name: str) -> None:
    for service, told in services(name):
        image = told["image"]
        assert image == "uniir" or re.search(r":(v|RELEASE\.)?\d+[.-]\d+", image), f"{service}: {image}"
        assert "mem_limit" in told, service
        assert "cpus" in told, service
        assert "healthcheck" in told, service
        assert told["restart"] == "unless-stopped", service
        for port in told.get("ports", ()):
            assert str(port).startswith("127.0.0.1:"), f"{service}: {port}"


@pytest.mark.parametrize("name", FILES)
def test_our_own_containers_write_nowhere_but_to_their_volume(name: str) -> None:
    ours = [told for _, told in services(name) if told["image"] == "uniir"]
    assert ours
    for told in ours:
        assert told["read_only"] is True
        assert told["cap_drop"] == ["ALL"]
        for volume in told.get("volumes", ()):
            assert volume.startswith("data:") or volume.endswith(":/corpus:ro")


def test_our_image_runs_as_an_ordinary_user_with_a_number_of_its_own() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER uniir"]
    assert lines.index("USER uniir") > max(place for place, line in enumerate(lines) if line.startswith("RUN"))
    assert "useradd --uid 10001 --create-home uniir" in "\n".join(lines)


@pytest.mark.parametrize("name", FILES)
def test_every_setting_exists(name: str) -> None:
    for service, told in services(name):
        for variable in told.get("environment", {}):
            if variable.startswith("UNIIR_"):
                assert variable.removeprefix("UNIIR_").lower() in Settings.model_fields, f"{service}: {variable}"


def test_every_secret_is_in_the_example_and_has_no_value_anywhere() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    example = dict(line.split("=", 1) for line in (ROOT / "deploy" / "env.example").read_text("utf-8").splitlines() if "=" in line)
    needed = set(re.findall(r"\$\{(\w+):\?", text))
    assert {"UNIIR_CORPUS", "UNIIR_TOKEN", "POSTGRES_PASSWORD", "MILVUS_PASSWORD", "OBJECTS_PASSWORD"} == needed
    for name in needed:
        assert not example[name].partition("#")[0].strip()


def test_one_milvus_runs_and_the_card_is_shared_on_purpose() -> None:
    told = content("docker-compose.yml")["services"]
    assert (told["milvus-cpu"]["profiles"], told["milvus-gpu"]["profiles"]) == (["cpu"], ["gpu"])
    assert told["milvus-gpu"]["image"] == f"{told['milvus-cpu']['image']}-gpu"
    pool = yaml.safe_load((ROOT / "deploy" / "milvus.yaml").read_text("utf-8"))["gpu"]
    assert 0 < pool["initMemSize"] <= pool["maxMemSize"]
