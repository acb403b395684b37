"""`python -m evalsvc` is the command `evalsvc`."""

from evalsvc.cli import main

if __name__ == "__main__":
    main()
