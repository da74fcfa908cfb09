"""Speed, measured side by side with its limit in one run: `make bench`. Figures and method: docs/performance.md."""
