"""`python -m sinefit`."""

from sinefit.cli import main

if __name__ == "__main__":
    main()
