"""The ways out of the house. What they call are secrets, so that the library beneath them mustn't log its calls."""

from __future__ import annotations

import logging

logging.getLogger("urllib3").setLevel(logging.ERROR)  # below that it says which address it calls, or couldn't understand
