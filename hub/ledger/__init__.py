"""What each partner knows of each dossier: filled for routes that were added later. The cells themselves live in the store."""
