"""Where Streamlit's script lies: away from ``pages``, which Streamlit would take for pages of its own finding."""
