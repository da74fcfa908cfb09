"""History as an event log for process mining: CSV, XES and OCEL 2.0; and what it says about waiting (docs/report.md)."""
