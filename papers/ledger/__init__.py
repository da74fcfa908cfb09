"""The ledger (台账): hazards as workbooks, out in the columns that offices ask for, and in from where they were found elsewhere.

docs/ledger.md tells the columns and the refusals, docs/adr/0013 why a line that comes in is a finding and nothing more.
"""
