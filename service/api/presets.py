"""`/presets`: choices about a key under names, for page, panel and programs."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from model.settings import KeySettings
from service.api.bodies import BodyRoute
from service.presets import Preset, PresetFile, PresetName, Presets


class PresetList(BaseModel):
    """All presets, in the order in which they are shown."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    presets: tuple[Preset, ...]
    """Those that come with DropKey, then the others by name; their settings hold only what they say."""


class PresetRoutes:
    """The routes; each change is answered with the list as it is then."""

    def __init__(self, presets: Presets) -> None:
        self._presets = presets

    def router(self) -> APIRouter:
        """Return all routes."""
        router = APIRouter(redirect_slashes=False, tags=["presets"], route_class=BodyRoute)
        router.add_api_route("/presets", self.list, methods=["GET"], response_model=PresetList)
        router.add_api_route("/presets", self.take, methods=["POST"], response_model=PresetList)
        router.add_api_route("/presets/{name}", self.save, methods=["PUT"], response_model=PresetList)
        router.add_api_route("/presets/{name}", self.remove, methods=["DELETE"], response_model=PresetList)
        return router

    def list(self) -> JSONResponse:
        """Return all presets."""
        return _told(self._presets.all())

    def take(self, file: PresetFile) -> JSONResponse:
        """Keep the presets of a file that was exported elsewhere; those of the same name are replaced."""
        self._presets.take(file.presets)
        return _told(self._presets.all())

    def save(self, name: PresetName, settings: KeySettings) -> JSONResponse:
        """Keep what the body says of settings under a name; it replaces the one that had it."""
        return _told(self._presets.save(Preset(name=name, settings=settings)))

    def remove(self, name: PresetName) -> JSONResponse:
        """Take a preset away; jobs that were made with it stay as they are."""
        return _told(self._presets.remove(name))


def _told(presets: Iterable[Preset]) -> JSONResponse:
    return JSONResponse({"presets": [preset.told() for preset in presets]})
