"""The pages in English. Templates and sentences stay in Chinese, as they are read and searched; a finished page is read once more,
and what is found in the catalogues beside this file is said in English. Why not gettext: docs/adr/0017.

A catalogue is a YAML file: the Chinese text of one node of the page (or of an `aria-label`, `placeholder`, `title`, `alt`, `label`),
whitespace collapsed, and its English. In the Chinese:

- `{}` stands for what can be said itself: a number, a code, a date, a word of an enumeration, another text of a catalogue, or a list of
  such, joined by `、` `；` `·`. Where it can't, the text doesn't fit, and stays as it is.
- `{zh}` stands for what people wrote: a name, a remark. It stays as it is and is marked `lang="zh-CN"`.

The English has as many `{}`, in the same order, or `{1}`, `{2}`, … by their number; `{s}` after a noun is its plural unless the number
before it is 1: `{} hazard{s}`. A word that means something else in one element has a line of its own, `<button>检查`. A text of which every
sentence is known is said too.

`web/templates` mark what people wrote by `lang="zh-CN"` on its element; such an element is left alone, and so are textarea, script, style
and every value of a form. Where it has no element of its own, `{{ name | written }}` makes one, on English pages only;
`{{ name | as_known }}` where it may be a word of ours. What has been said in both languages already (a refusal, an offer) is chosen where
it is shown: `{{ either(problem.detail, problem.detail_en) }}`.
"""

from __future__ import annotations

from web.english.page import english
from web.english.switch import COOKIE, ENGLISH, InEnglish, answered, as_known, either, in_english, step_name, written

__all__ = ["COOKIE", "ENGLISH", "InEnglish", "answered", "as_known", "either", "english", "in_english", "step_name", "written"]
