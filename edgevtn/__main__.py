"""``python -m edgevtn`` is the command ``edgevtn``."""

from edgevtn._cli import main

if __name__ == "__main__":
    raise SystemExit(main())
