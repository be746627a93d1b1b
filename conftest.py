"""For the tests in docstrings as well: the developer's own terminologies are never read."""

import os

os.environ["HARMONIZE_TERMINOLOGIES"] = "/nonexistent/harmonize-terminologies"
