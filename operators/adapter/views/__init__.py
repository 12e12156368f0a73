"""Views of the findings, and what the panel asks of the database."""
