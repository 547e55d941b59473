"""Streamlit door of the review app: page router, nothing else. `suggester serve` starts it with its routes."""

from suggester.ui.router import route

route()
