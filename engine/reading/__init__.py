"""From what came as JSON to numbers, fields and expressions, or to a sentence that says what is wrong and where."""
