"""The script that Streamlit runs for every page: the router, nothing else."""

from suggester.ui.router import route

route()
