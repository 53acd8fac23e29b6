"""`python -m service.cli` is `dropkey`."""

from service.cli.app import main

main()
