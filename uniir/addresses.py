"""Addresses of databases: which ones can be used, and how they are shown to people."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_HIDDEN = "***"
_SCHEME = re.compile(r"^(postgres|postgresql|postgresql\+psycopg)://", re.IGNORECASE)
_PASSWORD = re.compile(r"(?<=://)(?P<user>[^/?#@]*?):(?P<password>[^/?#]*)@")
_SECRET_OPTION = re.compile(r"(?P<name>[?&](?:ssl)?password=)[^&#]*", re.IGNORECASE)


def postgres_url(address: str) -> str:
    """The address as SQLAlchemy takes it, `postgresql+psycopg://...`. Raises ValueError, without the address, for any other."""
    if not _SCHEME.match(address):
        raise ValueError("it begins with none of postgresql+psycopg://, postgresql:// and postgres://")
    plain = _SCHEME.sub("postgresql+psycopg://", address)
    try:
        parts = urlsplit(plain)
        _ = parts.port
    except ValueError:
        raise ValueError("its host or port can't be read; write special characters of a password as %XX") from None
    if not parts.path.strip("/"):
        raise ValueError("it names no database: postgresql+psycopg://USER@HOST/DATABASE")
    return plain


def without_password(address: str) -> str:
    """The address with *** for whatever is secret in it."""
    return _SECRET_OPTION.sub(rf"\g<name>{_HIDDEN}", _PASSWORD.sub(rf"\g<user>:{_HIDDEN}@", address))


def passwords_of(address: str) -> frozenset[str]:
    """Every secret of an address, as it is and as it is written there; none that is empty."""
    found = {match["password"] for match in _PASSWORD.finditer(address)}
    found |= {value for name, value in parse_qsl(urlsplit(address).query) if name.lower() in {"password", "sslpassword"}}
    return frozenset(one for secret in found for one in (secret, unquote(secret), quote(unquote(secret), safe="")) if one)
