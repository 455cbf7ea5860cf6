"""One file a group of addresses. A route parses, calls one function of the engine, and renders."""
