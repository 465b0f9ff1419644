"""`python -m warn` is `warn`."""

from warn.cli import main

if __name__ == "__main__":
    main()
