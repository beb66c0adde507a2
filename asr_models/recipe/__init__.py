"""Make the Mandarin demo model from a synthetic voice and recorded words: `make model`."""
