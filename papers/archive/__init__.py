"""一案一档: the whole file of one hazard as a zip that can be checked without Bihuan."""
