"""The statistics tables that a township files, weekly and monthly, frozen with their cut-off (docs/report.md)."""
