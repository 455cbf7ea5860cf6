"""GET /problems/{type}: what a type of problem document means, for a person."""

from __future__ import annotations

import re
from html import escape

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException

from service.replies.problem_types import PROBLEM_TYPES, ProblemType

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

CODE = re.compile("`([^`]+)`")
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title} · Verigrad</title>
<link rel="icon" href="/docs/favicon-32x32.png">
<style>body {{ font: 1.05rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}</style>
<h1>{title}</h1>
{content}
</html>
"""


@router.get("/problems")
async def get_problem_types() -> HTMLResponse:
    return page("Types of problems", f"<ul>{''.join(map(entry, PROBLEM_TYPES.values()))}</ul>")


@router.get("/problems/{kind}")
async def get_problem_type(kind: str) -> HTMLResponse:
    if kind not in PROBLEM_TYPES:
        raise HTTPException(404)
    return page(PROBLEM_TYPES[kind].title, explain(PROBLEM_TYPES[kind]))


def entry(row: ProblemType) -> str:
    return f'<li><a href="{row.uri}">{row.kind}</a> ({row.status}): {escape(row.title)}'


def explain(row: ProblemType) -> str:
    return (
        f"<p>{marked(row.meaning)}</p><p><strong>What to do.</strong> {marked(row.remedy)}</p>"
        f'<p>Type <code>{row.uri}</code>, HTTP status {row.status}. <a href="/problems">All types</a></p>'
    )


def marked(text: str) -> str:
    return CODE.sub(r"<code>\1</code>", escape(text))


def page(title: str, content: str) -> HTMLResponse:
    return HTMLResponse(PAGE.format(title=escape(title), content=content))
