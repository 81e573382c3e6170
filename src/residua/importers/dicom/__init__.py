"""A PACS export becomes a cohort table in two steps, with a person between them: propose, confirm, convert."""
