"""The in-house components: the review widget, the account bar and the one that sends the browser elsewhere.

Their code lies in ``widget/`` as plain modules that the browser loads from this server; Streamlit carries the
few lines that start them. They are built with ``textContent``: no text of a note is ever read as markup.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st

__all__ = ["account_bar", "go_to", "review_widget"]

_FOLDER = Path(__file__).parent / "widget"
_START = """
export default function (component) {
  const { parentElement, data } = component
  let stop = null, gone = false
  import(location.origin + "/assets/widget/%s?v=%s").then((module) => {
    if (!gone) stop = module.mount(parentElement, data)
  })
  return () => { gone = true; if (stop) stop() }
}
"""


@lru_cache
def _version() -> str:
    """Changes when any file of the widget does."""
    digest = hashlib.sha256()
    for path in sorted(_FOLDER.iterdir()):
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@lru_cache
def _component(name: str, script: str, style: str | None) -> Any:
    return st.components.v2.component(
        name,
        js=_START % (script, _version()),
        css=(_FOLDER / style).read_text(encoding="utf-8") if style else None,
        isolate_styles=False,
    )


def _mount(name: str, script: str, data: Mapping[str, Any], *, style: str | None = None) -> None:
    _component(name, script, style)(key=name, data=dict(data))


def review_widget(data: Mapping[str, Any]) -> None:
    """The review page's widget; ``data`` says which note and who reviews, never the note's text."""
    _mount("suggester_review", "review.js", data, style="review.css")


def account_bar(data: Mapping[str, Any]) -> None:
    """Who is signed in, with sign-out; says so in the demo."""
    _mount("suggester_account", "account.js", data, style="account.css")


def go_to(data: Mapping[str, Any]) -> None:
    """Send the browser to an address of this server, redeeming a ticket on the way if there is one."""
    _mount("suggester_go", "go.js", data)
