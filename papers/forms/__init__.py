"""The official forms (文书) of a hazard: what they say, how they look in Word and PDF, and how one is issued."""
