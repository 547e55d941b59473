"""Codes for what a note says of two things together: a drug and its effect, a cancer and its spread."""
