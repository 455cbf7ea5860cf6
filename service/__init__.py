"""Verigrad's service: the only place that knows HTTP.

    request ──read──▶ engine ──render──▶ response

`app` puts the routes together; a route parses a body, calls one function of the engine and renders what it returns.
"""

VERSION = "0.1.0"
