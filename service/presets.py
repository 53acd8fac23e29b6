"""Presets: choices about a key under names, in one file of the home folder; page, panel and folders share them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from model.settings import KeySettings
from service.atomic import replace_file
from service.errors import BadInput, NotFound, Transient
from service.faults import sentence
from service.settings import Settings

MOST_PRESETS = 200
MOST_BYTES = 4 * 2**20
_LOCK_SECONDS = 5.0

PresetName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f/\\]*$")
]
"""What a preset may be called: a line of text without slashes; case and composed accents make no difference."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Preset(_Frozen):
    """Choices about a key under a name. What it does not say is left to the service's defaults."""

    name: PresetName
    """Shown in lists, and named by requests and sidecars."""

    settings: KeySettings
    """What it says; nothing else is part of it."""

    comes_with_dropkey: bool = False
    """One of those that every DropKey has; it cannot be changed."""

    def told(self) -> dict[str, Any]:
        """Return it as JSON: of the settings only what it says."""
        return {
            "name": self.name,
            "settings": self.settings.model_dump(mode="json", exclude_unset=True),
            "comes_with_dropkey": self.comes_with_dropkey,
        }


class PresetFile(_Frozen):
    """The file in the home folder, and what presets are exported as."""

    schema_version: Annotated[int, Field(ge=1, le=1)] = 1
    """1."""

    presets: Annotated[tuple[Preset, ...], Field(max_length=MOST_PRESETS)] = ()
    """In the order in which they are shown."""


BUILT_IN = tuple(
    Preset(name=name, settings=KeySettings.model_validate(settings), comes_with_dropkey=True)
    for name, settings in (
        ("Dirty screen (crush residue)", {"alpha_floor": 0.05}),
        ("Holes in the subject (fill)", {"alpha_ceiling": 0.95}),
        ("Keep brightness at despill", {"restore_luminance": 1.0}),
    )
)
"""Three usual corrections."""


class Presets:
    """The presets of one home folder, read anew at each question: other programs may change them, too."""

    def __init__(self, file: Path) -> None:
        """``file`` need not be there yet."""
        self._file = file

    @classmethod
    def of(cls, settings: Settings) -> Presets:
        """Return those of the service that ``settings`` are of."""
        return cls(settings.presets_file)

    def all(self) -> tuple[Preset, ...]:
        """Return those that come with DropKey, then the others by name. Raises BadInput for a file that is damaged."""
        return (*BUILT_IN, *self._own())

    def get(self, name: str) -> Preset:
        """Return the preset called ``name``; raises NotFound, which names those that there are."""
        found = next((preset for preset in self.all() if same_name(preset.name) == same_name(name)), None)
        if found is None:
            known = ", ".join(f"“{preset.name}”" for preset in self.all())
            raise NotFound(f"There is no preset “{name[:100]}”.", fix=f"There are: {known}.")
        return found

    def over(self, name: str | None, defaults: KeySettings) -> KeySettings:
        """Return ``defaults`` with what the preset called ``name`` says, where one is named. Raises BadInput."""
        if name is None:
            return defaults
        try:
            return said_over(defaults, self.get(name).settings)
        except NotFound as error:
            raise BadInput(error.message, fix=error.fix) from None

    def save(self, *presets: Preset) -> tuple[Preset, ...]:
        """Keep ``presets``, each in place of one of its name, and return all. Raises BadInput."""
        for preset in presets:
            self._check_own(preset.name)
        own = {same_name(preset.name): preset for preset in presets}
        with self._alone():
            kept = [preset for preset in self._own() if same_name(preset.name) not in own]
            if len(kept) + len(own) > MOST_PRESETS:
                raise BadInput(f"There are {MOST_PRESETS} presets already.", fix="Remove one that nobody uses.")
            self._write([*kept, *own.values()])
        return self.all()

    def remove(self, name: str) -> tuple[Preset, ...]:
        """Take a preset away and return the others; raises NotFound, and BadInput for one that comes with DropKey."""
        self._check_own(name)
        with self._alone():
            found = self.get(name)
            self._write([preset for preset in self._own() if preset.name != found.name])
        return self.all()

    def exported(self, names: Iterable[str] = ()) -> str:
        """Return the presets called ``names`` as one file for `imported`; unnamed: all that are not built in."""
        wanted = tuple(map(self.get, names)) or self._own()
        return _text(wanted)

    def imported(self, content: bytes, name: str) -> tuple[Preset, ...]:
        """Keep the presets of an exported file called ``name``, and return them; raises BadInput."""
        return self.take(read_presets(content, name))

    def take(self, presets: Iterable[Preset]) -> tuple[Preset, ...]:
        """Keep ``presets`` but those that come with DropKey, which are here already, and return them."""
        built_in = {same_name(preset.name) for preset in BUILT_IN}
        taken = [preset for preset in presets if same_name(preset.name) not in built_in]
        own = tuple(preset.model_copy(update={"comes_with_dropkey": False}) for preset in taken)
        self.save(*own)
        return own

    def _own(self) -> tuple[Preset, ...]:
        try:
            with self._file.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Transient(f"{self._file} cannot be read ({error.strerror}).", fix="Let your user read it.") from error
        found = read_presets(content, str(self._file))
        return tuple(sorted(found, key=lambda preset: same_name(preset.name)))

    def _write(self, presets: Iterable[Preset]) -> None:
        replace_file(self._file, _text(presets).encode())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and programs from changing the file meanwhile."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._file.with_name(f".{self._file.name}.lock"), timeout=_LOCK_SECONDS)
        try:
            lock.acquire()
        except Timeout:
            raise Transient("Somebody else is changing the presets.", fix="Try again in a moment.") from None
        try:
            yield
        finally:
            lock.release()

    def _check_own(self, name: str) -> None:
        built_in = next((preset.name for preset in BUILT_IN if same_name(preset.name) == same_name(name)), None)
        if built_in is not None:
            raise BadInput(f"“{built_in}” comes with DropKey and stays as it is.", fix="Choose another name.")


def read_presets(content: bytes, name: str) -> tuple[Preset, ...]:
    """Return the presets of a file called ``name``; raises BadInput that names every entry that does not fit."""
    if len(content) > MOST_BYTES:
        raise BadInput(f"{name} is larger than {MOST_BYTES / 2**20:g} MiB.", fix="Choose a file of presets.")
    try:
        return PresetFile.model_validate_json(content).presets
    except ValidationError as error:
        wrong = sentence(error.errors())
        raise BadInput(f"The presets in {name} do not fit: {wrong}.", fix="Mend it, or move it away.") from None


def said_over(defaults: KeySettings, said: KeySettings) -> KeySettings:
    """Return ``defaults`` with what ``said`` says in their place."""
    return defaults.model_copy(update={name: getattr(said, name) for name in said.model_fields_set})


def same_name(name: str) -> str:
    """Return what names have in common that people take for the same one."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _text(presets: Iterable[Preset]) -> str:
    told = [
        {name: value for name, value in preset.told().items() if name != "comes_with_dropkey"} for preset in presets
    ]
    return json.dumps({"schema_version": 1, "presets": told}, indent=1, ensure_ascii=False) + "\n"
