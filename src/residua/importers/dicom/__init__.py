"""Import a PACS export in two steps, propose and convert; between them a person confirms the proposal."""
