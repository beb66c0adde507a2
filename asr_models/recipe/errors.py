"""What can go wrong while a model is made."""

from gateway.errors import ModelError


class RecipeError(ModelError):
    """A stage lacks its input or a tool; the message names the fix."""

    slug = "recipe"
