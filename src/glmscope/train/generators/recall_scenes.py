"""Talks in which much is told and much is asked back: one scene after another, facts among them.

A scene is a story of the files `recall_scenes_*.toml`. Right after it anything may be asked, in
short or with pronouns; of an earlier one only what names something that was told, such as
“那顾辛羽呢”, so that every question has one answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from glmscope.train.generators.chat_recall import Turn
from glmscope.train.generators.chat_values import Slots
from glmscope.train.generators.recall_material import Ask, Fact, pick
from glmscope.train.generators.recall_talks import Asking, ToldTalks

_SCENES = (1, 1, 1, 1, 1, 2, 2, 2, 3)
_ASKED = (3, 3, 4, 4, 5, 6)
_ASKED_EACH = (1, 2, 3, 3, 4)
_TALK_SHARE = 0.15
_FACTS_SHARE = 0.3
_EARLIER_SHARE = 0.6
_AGAIN_SHARE = 0.06


@dataclass(frozen=True, slots=True)
class _Scene:
    """A story with its values, and what of it was not yet asked for."""

    story: Fact
    values: Slots
    open: list[Ask]


class SceneTalks:
    """Makes talks of one to three scenes, with facts told before them and asked for after."""

    def __init__(self, asking: Asking, told: ToldTalks) -> None:
        self._asking = asking
        self._told = told
        self._rng = asking.rng

    def scenes(self) -> list[Turn]:
        """Facts perhaps, a scene, questions; perhaps others, and questions on earlier ones."""
        rng = self._rng
        facts = self._told.different(rng.choice((1, 2, 3))) if rng.random() < _FACTS_SHARE else []
        turns = self._told.tell(facts) if facts else []
        scenes = self._draw(rng.choice(_SCENES))
        for scene in scenes:
            turns += self.tell(scene.story, scene.values)
            if rng.random() < _TALK_SHARE:
                turns.append(self._asking.between())
            turns += self._ask(scene, rng.choice(_ASKED if len(scenes) == 1 else _ASKED_EACH))
        for scene in scenes[:-1]:
            if rng.random() < _EARLIER_SHARE:
                turns += self._ask(_named(scene), rng.choice((1, 1, 2)))
        turns += [self._told.ask(fact.asks[0], values) for fact, values in facts]
        if rng.random() < _AGAIN_SHARE:
            turns.append((self._asking.choose("again", "repeat"), turns[-1][1]))
        return turns

    def tell(self, story: Fact, values: Slots) -> list[Turn]:
        """What the user tells, with what is said to it, and what follows before the questions."""
        told = values.fill(pick(story.tell, self._rng))
        # What has an answer of its own may be a question, which no frame is for.
        if story.heard:
            turns = [(self._asking.cased(told), values.fill(story.heard))]
        else:
            turns = [(self._asking.told(told), self._asking.heard())]
        for sentences, reply in story.then:
            said = self._asking.cased(values.fill(pick(sentences, self._rng)))
            turns.append((said, values.fill(reply)))
        return turns

    def _draw(self, count: int) -> list[_Scene]:
        stories = self._asking.material.stories
        chosen: list[Fact] = []
        while len(chosen) < count:
            (story,) = self._rng.choices(stories, [each.weight for each in stories])
            if story not in chosen:
                chosen.append(story)
        return [_Scene(story, self._asking.slots(), list(story.asks)) for story in chosen]

    def _ask(self, scene: _Scene, count: int) -> list[Turn]:
        self._rng.shuffle(scene.open)
        asked = [scene.open.pop() for _ in range(min(count, len(scene.open)))]
        return [self._told.ask(ask, scene.values) for ask in asked]


def _named(scene: _Scene) -> _Scene:
    """The scene with only those questions that name something told."""
    asks = [with_names(ask) for ask in scene.open]
    return replace(scene, open=[ask for ask in asks if ask.clause])


def with_names(ask: Ask) -> Ask:
    """`ask` with only those of its wordings that hold a slot."""
    return Ask(_naming(ask.clause), _naming(ask.inner), _naming(ask.noun), ask.answer)


def _naming(wordings: Sequence[str]) -> tuple[str, ...]:
    return tuple(wording for wording in wordings if "{" in wording)
