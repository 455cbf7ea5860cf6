"""The contract, as the OpenAPI document shows it.

These models describe; they do not validate. What is wrong with a body is the engine's to say: it knows the exact path,
and a sentence for it. Tests hold the two together: every example validates, and every response has the fields it is
said to have.
"""
