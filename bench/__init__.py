"""Benchmarks that anyone can run; each prints a table of figures and ends with 1 if what must hold does not.

.venv/bin/python bench/burst.py       # 150 calls at once against 100 requests a minute
.venv/bin/python bench/overhead.py    # what this server adds to one call
.venv/bin/python bench/startup.py     # cold start and peak memory
.venv/bin/python bench/context.py     # tokens of the tools
.venv/bin/python bench/results.py     # tokens of results
"""
