"""Names for the parts that many templates share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def expand(templates: Iterable[str], macros: Mapping[str, str]) -> tuple[str, ...]:
    """`templates` with every `{name}` of `macros` put in.

    A macro may hold those that come after it. Other names in braces stay for the generator.
    """
    return tuple(_expand(template, macros) for template in templates)


def _expand(template: str, macros: Mapping[str, str]) -> str:
    for name, text in macros.items():
        template = template.replace(f"{{{name}}}", text)
    return template
