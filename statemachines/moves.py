"""A small machine of a thing that is no case: which word may follow which, as data. The machine and its drawing come from the one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from transitions import Machine, MachineError

from models.enumerations import Word
from statemachines.errors import Refused


@dataclass(frozen=True)
class Move:
    """One line of the table: from which words to which, and by whom, in words for people."""

    sources: tuple[Word, ...]
    dest: Word
    zh: str
    en: str
    who: frozenset[Word] = frozenset()


class Moves:
    """The whole table of one column. `zh`, `en`: what has it, as a sentence names it. Any word of the `box` may become any other."""

    def __init__(
        self, zh: str, en: str, words: type[Word], moves: Sequence[Move], *, box: tuple[Word, ...] = (), box_zh: str = ""
    ) -> None:
        self.zh, self.en, self.words, self.table, self.box, self.box_zh = zh, en, words, tuple(moves), box, box_zh
        self._machine = Machine(
            model=None,
            states=list(words),
            initial=None,
            auto_transitions=False,
            transitions=[{"trigger": str(move.dest), "source": list(move.sources), "dest": move.dest} for move in self.table],
        )

    def take(self, state: Word, dest: Word) -> Move:
        """The move that leads from `state` to `dest`. Raises Refused(state) where none does."""
        thing = _Thing()
        self._machine.add_model(thing, initial=state)
        try:
            thing.trigger(str(dest))
        except MachineError:
            raise self._no_way(state, dest) from None
        finally:
            self._machine.remove_model(thing)
        return next(move for move in self.table if move.dest == dest and state in move.sources)

    def _no_way(self, state: Word, dest: Word) -> Refused:
        ways = [move.dest for move in self.table if state in move.sources]
        return Refused(
            "state",
            f"{self.zh}现为“{state.zh}”，不能改为“{dest.zh}”；可改为“{'”“'.join(way.zh for way in ways)}”。",
            f"The {self.en} is {state.en} and can't become {dest.en}; from here it may be: {', '.join(way.en for way in ways)}.",
        )

    def mermaid(self) -> str:
        """A `stateDiagram-v2` with Chinese labels; the words of the box are drawn in one, and what all of them may become is drawn once."""
        lines = ["stateDiagram-v2", *(f'    state "{word.zh}" as {word}' for word in self.words if word not in self.box)]
        if self.box:
            inside = [f'        state "{word.zh}" as {word}' for word in self.box]
            lines += [f'    state "{self.box_zh}" as box {{', *inside, "    }"]
        for move in self.table:
            lines += [f"    {source} --> {move.dest}: {move.zh}" for source in self._drawn_from(move)]
        return "\n".join(lines) + "\n"

    def _drawn_from(self, move: Move) -> tuple[str, ...]:
        if self.box and set(move.sources) <= set(self.box):
            return () if move.dest in self.box else ("box",)
        return tuple(str(source) for source in move.sources)

    def table_markdown(self) -> str:
        """One row a move: what it is called, from, to, who."""
        rows = ["| 变更 | move | 从 | 到 | 谁可以办 |", "|---|---|---|---|---|"]
        for move in self.table:
            sources, who = "、".join(word.zh for word in move.sources), "、".join(sorted(word.zh for word in move.who))
            rows.append(f"| {move.zh} | {move.en} | {sources} | {move.dest.zh} | {who or '系统'} |")
        return "\n".join(rows) + "\n"


class _Thing:
    """The light model: the machine writes its state and binds `trigger`."""

    trigger: Callable[..., bool]
