"""A megabyte of anything is answered with bounded work: neither all the memory nor for ever.

The bounds here tell a blow-up from hard work and no more: a text that is quadratic takes minutes
where these take a second or two. They are bounds on the processor's time, not on the clock.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.support import started

SIZE = 1_000_000
MOST_CPU_S = 15
MOST_CPU_PURE_S = 60
MOST_MEMORY_MB = 200
HEAD = "version: 1\nname: a\n"
SCENES = HEAD + "scenes:\n"


def repeated(unit: str, size: int = SIZE) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def numbered(form: str, size: int = SIZE) -> str:
    """The form with 0, 1, 2 … put in, up to a size."""
    parts: list[str] = []
    length = number = 0
    while length < size:
        parts.append(form.format(number))
        length += len(parts[-1])
        number += 1
    return "".join(parts)


def scene(**settings: str) -> str:
    return SCENES + f"- {{id: a, {', '.join(f'{name}: {value}' for name, value in settings.items())}}}\n"


def bomb(width: int) -> str:
    return "- &a0 [x]\n" + "".join(f"- &a{n} [{', '.join([f'*a{n - 1}'] * width)}]\n" for n in range(1, 25))


TEXTS: dict[str, Callable[[], str]] = {
    "open brackets": lambda: "[" * SIZE,
    "open braces": lambda: "{" * SIZE,
    "misread ids": lambda: SCENES + repeated("- id: 0x1F\n"),
    "nested dashes": lambda: repeated("- "),
    "alias bomb": lambda: bomb(10),
    "aliases of a large list": lambda: "- &a [" + "x," * 200_000 + "x]\n" + repeated("- *a\n", 500_000),
    "merges": lambda: "- &a {" + numbered("k{0}: 1,", 10_000) + "}\n" + repeated("- {<<: *a}\n"),
    "chain of aliases": lambda: "- &a0 {x: 1}\n" + "".join(
        f"- &a{n} {{x: *a{n - 1}}}\n" for n in range(1, 30_000)
    ),
    "long text": lambda: "prompt: " + "x" * SIZE,
    "many words": lambda: scene(prompt=repeated("x ")),
    "escapes": lambda: 'prompt: "' + "\\x41" * (SIZE // 4) + '"',
    "blank lines": lambda: "a:" + "\n" * SIZE,
    "digits": lambda: "seed: " + "9" * SIZE,
    "decimals": lambda: HEAD + "budget_usd: 1." + "9" * SIZE,
    "sexagesimal digits": lambda: "size: 1" + repeated(":59"),
    "many keys": lambda: numbered("k{0}: 1\n"),
    "one key many times": lambda: repeated("a: 1\n"),
    "many anchors": lambda: numbered("- &a{0} x\n"),
    "many tags": lambda: "[" + "!a x," * 200_000 + "x]",
    "misread values": lambda: "[" + "0x1F," * 199_000 + "1]",
    "empty scenes": lambda: SCENES + repeated("- {}\n"),
    "scenes without a prompt": lambda: SCENES + numbered("- id: s{0}\n"),
    "a list of ones": lambda: HEAD + "scenes: [" + "1," * 400_000 + "1]",
    "many distinct errors": lambda: SCENES + numbered("- {{id: s{0}, prompt: p, size: z{0}, seed: -{0}}}\n"),
    "values of a wrong kind": lambda: HEAD + "budget_usd: 5\nscenes:\n" + repeated("- {size: []}\n"),
    "the same scene": lambda: SCENES + repeated("- {id: a, prompt: x, references: [http://a/b]}\n"),
    "takes without end": lambda: scene(prompt="x", takes="9" * 17),
    "many takes": lambda: SCENES + numbered("- {{id: s{0}, prompt: x, references: [http://a/b], takes: 100}}\n"),
    "many references": lambda: scene(prompt="x", references="[" + numbered("http://a/{0}.png,") + "]"),
    "braces in a prompt": lambda: scene(prompt="'" + "{" * (SIZE - 1) + "'"),
    "names that the cast lacks": lambda: scene(prompt="'" + repeated("{a} ") + "'"),
    "a cast of thousands": lambda: HEAD + "cast:\n" + numbered("  c{0}: 'http://a/{0}'\n", SIZE // 2)
    + "scenes:\n- {id: a, prompt: '" + numbered("{{c{0}}}", SIZE // 3) + "'}\n",
    "a cast that nobody names": lambda: HEAD + "cast:\n" + numbered("  c{0}: 'http://a/{0}'\n", SIZE // 2)
    + "scenes:\n" + numbered("- {{id: s{0}, prompt: '{{d}}'}}\n", SIZE // 2),
    "a cast that everybody names without braces": lambda: HEAD
    + "cast:\n" + numbered("  c{0}: 'http://a/{0}'\n", SIZE // 2)
    + "scenes:\n" + numbered("- {{id: s{0}, prompt: 'c{0} {{c{0}}} {{d}}'}}\n", SIZE // 2),
    "vars in every prompt": lambda: HEAD + f"vars: {{v: '{'x' * 1_400}'}}\nscenes:\n"
    + numbered("- {{id: s{0}, prompt: '{{v}}{{v}}{{v}}', references: [http://a/b]}}\n"),
    "a var that is named without end": lambda: HEAD + f"vars: {{v: '{'x' * (SIZE // 2)}'}}\nscenes:\n"
    + "- {id: a, prompt: '" + "{v}" * (SIZE // 6) + "'}\n",
    "quotes that close too early": lambda: SCENES + "- id: a\n  prompt: " + repeated("'a' "),
    "lines above a slip": lambda: SCENES + repeated("# a\n\n") + "  - id: s\n - id: t\n",
    "characters without end": lambda: scene(prompt="'" + numbered("character{0} ") + "'", references="[http://a/b]"),
    "a name that nearly fits": lambda: "version: 1\nname: " + "a" * SIZE + "!\nscenes: []\n",
    "an id that nearly fits": lambda: SCENES + "- id: " + "a." * (SIZE // 2) + "!\n",
    "an amount that nearly fits": lambda: HEAD + "budget_usd: '" + "1" * SIZE + ".'\n",
    "an address that nearly fits": lambda: scene(prompt="x", audio_url="'http://" + "a" * SIZE + " '"),
    "a data URI that nearly fits": lambda: scene(
        prompt="x", references="['data:image/png;base64," + "A" * SIZE + "!']"
    ),
    "a MIME type that nearly fits": lambda: scene(prompt="x", references="['data:" + "a/" * (SIZE // 2) + "']"),
    "a scheme that nearly fits": lambda: scene(prompt="x", references="['" + "a" * SIZE + "']"),
    "endings that nearly fit": lambda: scene(prompt="x", references="['" + repeated(".jpg#.mp4?") + "x']"),
    "a size that nearly fits": lambda: scene(prompt="x", size="'" + "1" * SIZE + "'"),
    "a size of blanks": lambda: scene(prompt="x", size="'" + " " * SIZE + "'"),
}  # fmt: skip
PURE = [
    *("open brackets", "nested dashes", "alias bomb", "merges", "long text", "escapes", "digits", "many keys"),
    *("many anchors", "a list of ones", "one key many times"),
]

_USED = """
import json, resource, sys
def used():
    of_process = resource.getrusage(resource.RUSAGE_SELF)
    # What getrusage calls the most memory is, at the least, what the parent had before exec.
    with open("/proc/self/status") as status:
        most_kb = next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    return of_process.ru_utime + of_process.ru_stime, most_kb / 1024
"""
_ANSWER = """
from batchgen.cli.main import main
import batchgen.manifest.load
code = None
try:
    main(["validate", sys.argv[1]])
except SystemExit as end:
    code = end.code
print(json.dumps([code, *used()]))
"""
_READ = """
import yaml
from batchgen.manifest.document import UnreadableManifest
from batchgen.manifest.yaml_reader import read
try:
    read(open(sys.argv[1], "rb").read(), yaml.SafeLoader)
except UnreadableManifest:
    pass
print(json.dumps([0, *used()]))
"""


def measured(program: str, folder: Path, text: str) -> tuple[int, float, float]:
    """The exit code, the seconds of processor time and the megabytes that a text takes."""
    path = folder / "hostile.yaml"
    path.write_text(text)
    ended = started([sys.executable, "-P", "-c", _USED + program, str(path)])
    assert ended.code == 0, ended.err[-2000:]
    code, seconds, megabytes = json.loads(ended.out)
    return code, seconds, megabytes


@pytest.fixture(scope="module")
def least_mb(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What the program takes for next to nothing."""
    return measured(_ANSWER, tmp_path_factory.mktemp("nothing"), "a: 1\n")[2]


@pytest.mark.parametrize("name", TEXTS)
def test_a_megabyte_of_anything_is_answered(tmp_path: Path, name: str, least_mb: float) -> None:
    text = TEXTS[name]()
    code, seconds, megabytes = measured(_ANSWER, tmp_path, text)
    assert code == 3
    assert seconds < MOST_CPU_S
    assert megabytes < least_mb + MOST_MEMORY_MB


@pytest.mark.parametrize("name", PURE)
def test_the_pure_parser_takes_no_more(tmp_path: Path, name: str, least_mb: float) -> None:
    _, seconds, megabytes = measured(_READ, tmp_path, TEXTS[name]())
    assert seconds < MOST_CPU_PURE_S
    assert megabytes < least_mb + MOST_MEMORY_MB
