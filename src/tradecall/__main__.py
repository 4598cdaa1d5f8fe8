"""``python -m tradecall``: the command line."""

from tradecall.cli import main

if __name__ == "__main__":
    main()
