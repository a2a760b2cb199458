"""`python -m kazasu` is `kazasu`."""

import sys

from kazasu.cli import main

sys.exit(main())
