"""`python -m service serve` is `verigrad serve`."""

from service.cli import main

main()
