"""The work report (工作开展情况): sentences composed from facts, each number with the query that it came from (docs/report.md)."""
