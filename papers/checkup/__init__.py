"""What a doctor looks at: the machine, the house's files, the database. Looks only; nothing is changed, and nothing is started."""
