"""``python -m xrayscan`` is ``xrayscan``."""

from xrayscan.cli.main import main

if __name__ == "__main__":
    main()
