"""From the bytes of a body to a request, or to all that is wrong with it."""
