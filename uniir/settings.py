"""Settings: defaults < uniir.toml < environment UNIIR_* < command line; read once, passed on."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource
from pydantic_settings.exceptions import SettingsError as UnreadableSource

from uniir.addresses import postgres_url, without_password
from uniir.errors import SettingsError
from uniir.images import DEFAULT_PIXEL_LIMIT

FILE = "uniir.toml"
INDEXES = "auto|FLAT|HNSW|IVF_FLAT|IVF_SQ8|IVF_PQ|SCANN|DISKANN|GPU_BRUTE_FORCE|GPU_IVF_FLAT|GPU_IVF_PQ|GPU_CAGRA"

_LONGEST_KEY = 40  # bytes: the name of the column that stands for it may have 255


def models_directory() -> Path:
    """Where weights of models are kept unless a setting says otherwise: one directory for each model, under its name."""
    return platformdirs.user_data_path("uniir", appauthor=False) / "models"


class FieldKind(StrEnum):
    """What a declared key of the metadata mostly holds; what it holds besides is found as well, only slower."""

    TEXT = "text"
    NUMBER = "number"
    TEXTS = "texts"


class Settings(BaseSettings):
    """Everything that can be set. `uniir config` prints what is in force and where each value came from."""

    model_config = SettingsConfigDict(env_prefix="UNIIR_", extra="forbid", frozen=True)

    data_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("uniir", appauthor=False)),
        description="where catalog, vectors and thumbnails are kept",
    )
    collection: str = Field("default", description="the collection that is used when none is named")
    encoder: str = Field("starter", description="the encoder of new collections")
    models_dir: Path = Field(
        default_factory=models_directory,
        description="where weights of models are kept, one directory for each",
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="where torch encoders compute: auto, cpu, cuda or cuda:N")
    dtype: str = Field(
        "auto",
        pattern="^(auto|float32|bfloat16|float16|int8)$",
        description="the number type of torch encoders; auto takes what is fast here, int8 is for UniIR's models on a processor",
    )
    vector_store: str = Field("milvus", pattern="^(milvus|exact)$", description="milvus (Milvus Lite) or exact (FAISS, all in memory)")
    catalog_url: SecretStr | None = Field(
        None, description="a Postgres database for the catalog, postgresql+psycopg://USER:PASSWORD@HOST/NAME; else SQLite in data_dir"
    )
    milvus_uri: str = Field("", description="Milvus Lite's directory (vectors/ of data_dir where empty), or a server: http(s)://HOST:PORT")
    milvus_token: SecretStr | None = Field(None, description="what the Milvus server wants to see: USER:PASSWORD or a key")
    milvus_database: str = Field("", description="the database on the Milvus server; made if it is not there")
    milvus_server_name: str = Field("", description="the name in the Milvus server's certificate, where it is not the host's")
    milvus_ca_file: Path | None = Field(
        None, description="who signed the Milvus server's certificate (PEM), where the system does not know"
    )
    milvus_gpu: str = Field(
        "auto",
        pattern="^(auto|yes|no|try)$",
        description="whether the Milvus server has GPU indexes; auto believes its version, try asks for one",
    )
    milvus_search_seconds: float = Field(10.0, gt=0, description="how long a search waits for a Milvus server that does not answer")
    milvus_write_seconds: float = Field(60.0, gt=0, description="how long a write waits for a Milvus server that does not answer")
    milvus_build_seconds: float = Field(900.0, gt=0, description="how long an index build may stand still on a Milvus server")
    index: str = Field("auto", pattern=f"^({INDEXES})$", description="the vector index: auto, or a type (docs/stores.md)")
    index_build: dict[str, int | str] = Field({}, description="build parameters of that type, as JSON")
    index_search: dict[str, int | str] = Field({}, description="search parameters of that type, as JSON")
    metadata_fields: dict[str, FieldKind] = Field(
        {}, max_length=32, description="keys of the metadata that Milvus filters by itself, as JSON: text, number or texts (docs/stores.md)"
    )
    lease_seconds: float = Field(
        30.0, ge=1, description="how long a process that shares a Postgres catalog may be silent until others take over its work"
    )
    instructions_file: Path | None = Field(None, description="your own instructions, in the columns of `uniir instructions --tsv`")
    pixel_limit: int = Field(DEFAULT_PIXEL_LIMIT, gt=0, description="pixels a picture may have")
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, gt=0, description="threads that read and decode")
    threads: int = Field(default_factory=lambda: os.cpu_count() or 1, gt=0, description="threads that encode")
    processes: int = Field(1, gt=0, le=64, description="processes that encode in an ingest, one on each device (docs/ingest.md)")
    keep_vectors: bool = Field(True, description="keep vectors in the catalog, so that a lost vector store needs no encoding")
    wait_seconds: float = Field(10.0, ge=0, description="how long a command waits for another that has the data directory")
    host: str = Field("127.0.0.1", description="where `uniir serve` and `uniir ui` listen; elsewhere than on loopback only with a token")
    port: int = Field(8765, ge=0, le=65535, description="the port they listen on; 0 takes a free one")
    token: SecretStr | None = Field(None, description="what a request must bring along; needed to listen elsewhere than on loopback")
    corpus_roots: tuple[Path, ...] = Field((), description="folders that the service may ingest from when it is asked without the secret")
    upload_megabytes: int = Field(200, gt=0, description="how much one request may bring")
    reranker: str = Field("text", description="what reads the best hits again: text, or one of `uniir models`, or ARCHITECTURE:DIRECTORY")
    guess_url: str | None = Field(
        None, description="a service with OpenAI's chat completions that writes guesses for `--guess`, as http://127.0.0.1:8000/v1"
    )
    guess_model: str | None = Field(None, description="the model to ask there; needed with guess_url")
    guess_key: SecretStr | None = Field(None, description="its key, if it wants one")
    guess_seconds: float = Field(10.0, gt=0, description="how long a guess may take before the query itself is searched")
    rerank_top: int = Field(20, ge=2, le=200, description="how many of the best hits are read again")
    rerank_seconds: float = Field(2.0, gt=0, description="how long reranking may take before the first order stands")

    @field_validator("data_dir", "models_dir", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        if value == "":  # it would be the working directory
            raise ValueError("it is empty; name a directory, or leave it out")
        return value

    @field_validator("data_dir", "models_dir", "instructions_file", "milvus_ca_file")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @field_validator("corpus_roots")
    @classmethod
    def _real(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        return tuple(root.expanduser().resolve() for root in value)

    @field_validator("metadata_fields")
    @classmethod
    def _keys(cls, value: dict[str, FieldKind]) -> dict[str, FieldKind]:
        for key in value:
            if not all(key.split(".")) or len(key.encode()) > _LONGEST_KEY:
                raise ValueError(f"{key!r} is no key of metadata; levels are joined by dots, as in camera.model")
        return value

    @field_validator("catalog_url")
    @classmethod
    def _postgres(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None or not value.get_secret_value() else SecretStr(postgres_url(value.get_secret_value()))

    @field_validator("guess_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if not value:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
            raise ValueError("an address looks like http://127.0.0.1:8000/v1; a key goes into guess_key")
        return value

    @model_validator(mode="after")
    def _guesser_is_whole(self) -> Self:
        if self.guess_url is not None and not self.guess_model:
            raise ValueError("guess_url needs guess_model")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _toml(settings_cls)

    @property
    def is_shared(self) -> bool:
        """Whether catalog and vectors both lie on servers: then nobody owns the data, and several services may run at once."""
        return self.catalog_url is not None and self.vector_store == "milvus" and self.milvus_address is not None

    @property
    def catalog_file(self) -> Path:
        return self.data_dir / "catalog.sqlite"

    @property
    def milvus_address(self) -> str | None:
        """The Milvus server's, or none where Lite keeps the vectors."""
        return self.milvus_uri if self.milvus_uri.startswith(("http://", "https://")) else None

    @property
    def vectors_directory(self) -> Path:
        """Where vectors are kept on this machine."""
        if self.milvus_uri and self.milvus_address is None:
            return Path(self.milvus_uri).expanduser().absolute()
        return self.data_dir / "vectors"

    @property
    def thumbnails_directory(self) -> Path:
        return self.data_dir / "thumbnails"

    @property
    def query_pictures_directory(self) -> Path:
        return self.data_dir / "query-pictures"

    @property
    def uploads_directory(self) -> Path:
        return self.data_dir / "uploads"


@dataclass(frozen=True, slots=True)
class Origin:
    """A setting's value and where it came from."""

    name: str
    value: str
    origin: str
    description: str


def load_settings(**overrides: Any) -> Settings:
    """The settings in force; `overrides` are the command line's, None for what was not given. Raises SettingsError."""
    given = {name: value for name, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        sources = _Sources.now(given)
        problems = "; ".join(": ".join([*sources.named(one["loc"]), one["msg"]]) for one in error.errors())
        raise SettingsError(f"A setting can't be used: {problems}.", "Mend it there, or leave it out.") from None
    except UnreadableSource as error:
        name = re.search('field "(.*?)"', str(error))
        told = f"UNIIR_{name[1].upper()} can't be read" if name else str(error)
        raise SettingsError(f"{told}.", "It is written as JSON, such as UNIIR_CORPUS_ROOTS='[\"/srv/photos\"]'.") from None
    except (OSError, ValueError) as error:
        raise SettingsError(f"{config_file()} can't be read: {error}.", "Mend or remove it.") from None


def origins(settings: Settings, **overrides: Any) -> list[Origin]:
    """Every setting with its value and origin."""
    sources = _Sources.now(overrides)
    return [
        Origin(name, _shown(name, getattr(settings, name)), sources.of(name), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


@dataclass(frozen=True, slots=True)
class _Sources:
    """What each place says, the strongest first."""

    command_line: Mapping[str, object]
    environment: Mapping[str, object]
    file: Mapping[str, object]

    @classmethod
    def now(cls, overrides: Mapping[str, object]) -> _Sources:
        return cls(overrides, EnvSettingsSource(Settings)(), _toml(Settings)())

    def of(self, name: str) -> str:
        if self.command_line.get(name) is not None:
            return "command line"
        if name in self.environment:
            return f"environment UNIIR_{name.upper()}"
        return str(config_file()) if name in self.file else "default"

    def named(self, place: tuple[int | str, ...]) -> Iterator[str]:
        """The setting at this place and where it comes from; nothing for a complaint about several together."""
        if place:
            yield f"{'.'.join(map(str, place))} ({self.of(str(place[0]))})"


def _shown(name: str, value: object) -> str:
    if name == "catalog_url" and isinstance(value, SecretStr):  # who looks wants to know which database it is
        return without_password(value.get_secret_value())
    return json.dumps(value) if isinstance(value, dict) else str(value)


def config_file() -> Path:
    """`uniir.toml` in the working directory if there is one, else in the platform's configuration directory."""
    here = Path.cwd() / FILE
    return here if here.is_file() else Path(platformdirs.user_config_dir("uniir", appauthor=False)) / FILE


def _toml(settings_cls: type[BaseSettings]) -> TomlConfigSettingsSource:
    return TomlConfigSettingsSource(settings_cls, toml_file=config_file())
