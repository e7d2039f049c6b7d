"""What a paper did, done again on pseudo-patients: its tables and figures, computed beside printed."""
