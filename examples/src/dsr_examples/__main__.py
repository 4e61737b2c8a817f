"""`python -m dsr_examples` is the command `dsr-example`."""

import sys

from dsr_examples.main import main

sys.exit(main())
