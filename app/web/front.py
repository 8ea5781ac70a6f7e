"""The page's script: shell and navigation. Streamlit runs it from the top for everything that happens."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from app.web import away
from app.web.navigation import collections_page, ingest_page, search_page
from uniir.errors import Unavailable

_HERE = Path(__file__).parent

st.set_page_config(page_title="uniir", page_icon=str(_HERE / "icon.svg"), layout="wide")
st.logo(str(_HERE / "logo.svg"), size="large")
try:
    st.navigation([search_page(), ingest_page(), collections_page()], position="top").run()
except Unavailable as error:
    away.whole_page(error)
