"""Shot lists from a spreadsheet → manifests."""
