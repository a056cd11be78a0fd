"""What the hand-written tables say about each city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from glmscope.train.toml_file import read_toml

Language = Literal["zh", "en"]

TABLES = ("cities_china.toml", "cities_world.toml")
TOPICS = ("place", "climate", "history", "sights", "food")


@dataclass(frozen=True, slots=True)
class City:
    """One city; every text names it, so that each can stand alone as an answer."""

    names: Mapping[Language, str]
    aliases: tuple[str, ...]
    """Other Chinese names."""
    texts: Mapping[Language, Mapping[str, str]]
    """Language → topic → one or two sentences."""
    famous: Mapping[Language, str]
    country: Mapping[Language, str]
    """Empty where the table names none."""
    province: str
    """Empty outside China and for municipalities."""

    def topic(self, topic: str, language: Language) -> str:
        """The answer to a question about one topic, or about `famous`, `country`, `province`."""
        texts = self.texts[language]
        name = self.names[language]
        if topic == "famous":
            famous = self.famous[language]
            if language == "en":
                return f"{name} is best known for {famous}. {texts['sights']}"
            return f"{name}最有名的是{famous}。{texts['sights']}"
        if topic == "country" and self.country[language] not in ("", name):
            where = self.country[language]
            return (
                f"{name} is in {where}. {texts['place']}"
                if language == "en"
                else f"{name}在{where}。{texts['place']}"
            )
        if topic == "province" and self.province:
            return f"{name}在{self.province}。{texts['place']}"
        return texts[topic if topic in TOPICS else "place"]

    def introduction(self, language: Language) -> str:
        """Three paragraphs: place and climate, history, sights and food."""
        texts = self.texts[language]
        gap = " " if language == "en" else ""
        return "\n\n".join(
            (
                texts["place"] + gap + texts["climate"],
                texts["history"],
                texts["sights"] + gap + texts["food"],
            )
        )


def load_cities(data: Path) -> tuple[City, ...]:
    """The cities of every table that is there under `data`, each of them once."""
    cities: dict[str, City] = {}
    for table in TABLES:
        path = data / table
        if path.exists():
            for entry in read_toml(path)["city"]:
                cities.setdefault(entry["zh"], _city(entry))
    return tuple(cities.values())


def _city(entry: Mapping[str, Any]) -> City:
    return City(
        names={"zh": entry["zh"], "en": entry["en"]},
        aliases=tuple(name for name in entry["aliases"] if not name.isascii()),
        texts={
            "zh": {topic: entry[f"zh_{topic}"] for topic in TOPICS},
            "en": {topic: entry[f"en_{topic}"] for topic in TOPICS},
        },
        famous={"zh": entry["famous"], "en": entry["famous_en"]},
        country={"zh": entry.get("country_zh", ""), "en": entry.get("country_en", "")},
        province=entry.get("province_zh", ""),
    )
