"""Plain frozen data: what was declared, asked, observed, judged and decided. No behaviour beyond reading itself."""
