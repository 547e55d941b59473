"""Charge-master lines and orders (``CT HEAD W/O``, ``KETOROLAC 30 MG/ML IJ SOLN``) to CPT and HCPCS codes.

``text`` cuts a line into pieces, ``words`` gives each piece its meanings, ``index`` finds the phrases of the
code sets that share them, ``features`` describes each candidate, ``model`` turns that into a confidence and
``coder`` puts it together.
"""
