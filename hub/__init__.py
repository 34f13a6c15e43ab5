"""The engine of dossier-hub: takes a dossier message once, keeps it, translates it, delivers it in order, proves it."""
