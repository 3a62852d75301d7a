"""The gate: from declarations, results and waivers to one verdict with reasons. Pure: no input, output or clock."""
