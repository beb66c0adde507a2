"""Speech models: the demo model's folder, and the recipe it is made by."""
