"""``python -m edgevtn`` is the command ``edgevtn``."""

from edgevtn.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
