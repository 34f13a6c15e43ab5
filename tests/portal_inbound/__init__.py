"""Dossiers that citizens file at the portal: taken by the hub, carried to the local system, its states carried back."""
