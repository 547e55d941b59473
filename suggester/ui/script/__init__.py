"""Where Streamlit's script lies: away from ``pages``, which Streamlit would list on its own."""
