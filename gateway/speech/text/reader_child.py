"""``python -m gateway.speech.text.reader_child``: reads numerals, a line in, a line out."""

import sys
from typing import Any


def main() -> None:
    """Until the end of standard input: it ends with whoever started it."""
    import wetext as untyped_wetext  # noqa: PLC0415

    wetext: Any = untyped_wetext
    reader = wetext.Normalizer(lang="zh", operator="itn")
    for line in sys.stdin:
        sys.stdout.write(reader.normalize(line.rstrip("\n")) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
