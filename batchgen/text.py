"""Text from elsewhere, made safe for a terminal."""


def printable(text: str) -> str:
    """The text with every character that could steer a terminal shown as an escape."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)


def on_one_line(text: str) -> str:
    """`printable` text without line breaks, so that a value cannot pass for a line of its own."""
    return printable(text).replace("\n", "\\n")
