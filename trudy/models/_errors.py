"""The one fault a model can have. The pager files such a row under `page.invalid`; the pipeline raises its own."""

from __future__ import annotations


class ModelError(ValueError):
    """What the server sent cannot be this model at all: it is no object, or has no id.

    Attributes:
        model: the name of the model.
        path: the member at fault; empty where the whole value is.
        reason: what is wrong with it; never a value the server sent.
    """

    def __init__(self, model: str, path: str, reason: str) -> None:
        self.model = model
        self.path = path
        self.reason = reason
        super().__init__(f"{model}.{path}: {reason}" if path else f"{model}: {reason}")

    def __reduce__(self) -> tuple[type[ModelError], tuple[str, str, str]]:
        return type(self), (self.model, self.path, self.reason)
