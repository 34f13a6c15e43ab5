"""Look-ups: questions to registries, asked by people or before a dossier is sent; audited, and their answers not kept."""
