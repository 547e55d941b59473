"""Streamlit door of the review app: page router, nothing else; see `suggester serve`."""

from suggester.ui.router import route

route()
