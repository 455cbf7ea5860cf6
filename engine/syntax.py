"""Python's parser, for expressions and formulas, one thread at a time.

Python 3.11 counts how deep a tree is for all threads together: with another thread's tree in between, parsing what is right
ends in a SystemError. What is done about warnings holds for all threads, too.
"""

from __future__ import annotations

import ast
import warnings
from threading import Lock

PARSER = Lock()


def parse(text: str) -> ast.Module:
    """Its statements, without warnings of things like `1if`."""
    with PARSER, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def parse_expression(text: str) -> ast.expr:
    with PARSER:
        return ast.parse(text, mode="eval").body
