"""Spreadsheets as tables: what CSV files have in common, whatever reads them."""
