"""``python -m subgrad`` is the program ``subgrad``."""

from subgrad.cli import main

if __name__ == "__main__":
    main()
