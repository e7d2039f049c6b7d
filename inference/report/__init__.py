"""The report: what the page says (content), how a page is written from it (page), and its templates and style."""
