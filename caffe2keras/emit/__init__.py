"""KerasModel → files; the only room that writes."""
