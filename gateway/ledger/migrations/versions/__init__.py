"""One module per revision, named `v000N_what`."""
