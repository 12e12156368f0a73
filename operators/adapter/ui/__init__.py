"""Forms, inputs, progress and messages of the App."""
