"""The report: what the page says, how it is written as one HTML file, its templates and its style."""
