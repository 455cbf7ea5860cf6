"""How the tables came to be, step by step: files in versions/, applied in order by service/jobs/prepare.py.

A change of service/database/tables.py needs a file more here: the next number, with `down_revision` the one before.
"""
