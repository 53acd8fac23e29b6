"""`/welcome`: what a first hour needs: the panel in After Effects, a shot to try, where results come, the machine."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from service.api.problems import problem
from service.doctor import Finding, examine
from service.errors import Misconfigured, WrongState
from service.installation import command
from service.panel_bundle import NAME, panel_text
from service.panel_places import panel_folders, put_panel
from service.settings import Settings

SAMPLE = "sample shot"
"""Folder of the sample in the first drop folder."""


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class PanelPlace(_Told):
    """One version of After Effects that this user has started."""

    after_effects: str
    """Its version, such as `26.0`."""

    panel: Literal["none", "other", "this"]
    """Whether our panel is there, of another version, or of this one."""


class Trouble(_Told):
    """Something that `dropkey doctor` found."""

    name: str
    """What was looked at."""

    message: str
    """What is wrong."""

    fix: str
    """What to do."""


class Health(_Told):
    """How the machine is, as `dropkey doctor` says."""

    verdict: Literal["fine", "note", "problem"]
    """The worst of what was found."""

    device: str
    """Where keying runs."""

    troubles: tuple[Trouble, ...]
    """What is not fine, problems first."""


class WelcomeState(_Told):
    """What the page says to somebody who has keyed nothing here yet."""

    command: str
    """What is typed to call DropKey in this installation."""

    here: bool
    """Whether the asker sits at the service's machine, where its After Effects and its panel are."""

    panels: tuple[PanelPlace, ...]
    """Every After Effects that is found, oldest first."""

    drop: str | None
    """The first drop folder."""

    output: str
    """Where results come."""

    sample: Literal["none", "painting", "there", "failed"]
    """The sample shot."""

    sample_problem: str
    """Why it could not be painted."""

    health: Health | None
    """Null while the machine is looked at."""


class Welcome:
    """The routes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._looks = False
        self._findings: list[Finding] | None = None
        self._paints = False
        self._why = ""

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(redirect_slashes=False, tags=["browser"])
        router.add_api_route("/welcome", self.state, methods=["GET"], response_model=WelcomeState)
        router.add_api_route("/welcome/panel", self.put_panel, methods=["POST"], response_model=WelcomeState)
        router.add_api_route("/welcome/sample", self.drop_sample, methods=["POST"], response_model=WelcomeState)
        return router

    def state(self, request: Request) -> JSONResponse:
        """Return what there is to do; the machine is looked at once, which takes seconds."""
        self._look()
        told = WelcomeState(
            command=command(anywhere=True),
            here=request.state.here,
            panels=tuple(_place(folder) for folder in panel_folders()),
            drop=str(self._drop) if self._drop else None,
            output=str(self._settings.output),
            sample=self._sample(),
            sample_problem=self._why,
            health=None if self._findings is None else health_of(self._findings),
        )
        return JSONResponse(told.model_dump(mode="json"))

    def put_panel(self, request: Request) -> JSONResponse:
        """Put the panel into every After Effects that is found on this machine."""
        if not request.state.here:
            fix = "There, open DropKey's own page, or call `dropkey panel install`."
            return problem(403, "The panel is put in on the machine of After Effects.", kind="forbidden", fix=fix)
        text = panel_text()
        for folder in panel_folders():
            try:
                put_panel(folder, text)
            except OSError as error:
                raise Misconfigured(
                    f"The panel cannot be written to {folder}: {error.strerror}.",
                    fix="Give your user the right to write there, then press again.",
                ) from error
        return self.state(request)

    def drop_sample(self, request: Request) -> JSONResponse:
        """Paint the sample shot into the first drop folder."""
        if self._drop is None:
            raise WrongState("No drop folder is watched.", fix="Name one in dropkey.toml.")
        with self._lock:
            if not self._paints and not self._target.exists():
                self._paints, self._why = True, ""
                threading.Thread(target=self._paint, name="sample", daemon=True).start()
        return self.state(request)

    @property
    def _drop(self) -> Path | None:
        return next(iter(self._settings.roots), None)

    @property
    def _target(self) -> Path:
        return (self._drop or self._settings.home) / SAMPLE

    def _sample(self) -> Literal["none", "painting", "there", "failed"]:
        if self._paints:
            return "painting"
        return "failed" if self._why else "there" if self._target.exists() else "none"

    def _paint(self) -> None:
        """In a process of its own: this one answers meanwhile."""
        asked = [sys.executable, "-m", "service.demo.sample", str(self._target)]
        done = subprocess.run(asked, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.strip()]
            self._why = said[-1] if said else f"it ended with {done.returncode}"
        self._paints = False

    def _look(self) -> None:
        with self._lock:
            if self._looks:
                return
            self._looks = True
        threading.Thread(target=self._examine, name="doctor", daemon=True).start()

    def _examine(self) -> None:
        self._findings = examine(self._settings)


def health_of(findings: Sequence[Finding]) -> Health:
    """Return one line's worth of what `dropkey doctor` found."""
    worst = sorted((found for found in findings if found.verdict != "fine"), key=lambda found: found.verdict == "note")
    device = next((found.message for found in findings if found.name == "torch"), "")
    return Health(
        verdict=worst[0].verdict if worst else "fine",
        device=device,
        troubles=tuple(Trouble(name=found.name, message=found.message, fix=found.fix) for found in worst),
    )


def _place(folder: Path) -> PanelPlace:
    file = folder / NAME
    try:
        held = file.read_text(encoding="utf-8")
    except OSError:
        return PanelPlace(after_effects=folder.parents[1].name, panel="none")
    return PanelPlace(after_effects=folder.parents[1].name, panel="this" if held == panel_text() else "other")
