"""The one Settings of the service: `dropkey.toml` in the home folder, then `DROPKEY_*` variables, then flags."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from model.settings import KeySettings
from service.errors import Misconfigured
from service.faults import sentence

Seconds = Annotated[float, Field(ge=0.0)]


class PrefixMap(BaseModel):
    """Two names of one folder: as other machines write it, and as this machine does."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    theirs: str
    r"""For example `S:\shots` or `\\server\shots`; compared without regard to case where it is a Windows path."""

    ours: Path
    """For example `/mnt/shots`."""


class FarmSettings(BaseModel):
    """Workers on other machines; see docs/farm.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    scheduler: str | None = None
    """Where the farm's scheduler is, `tls://host:8786`; unset: the workers are processes on this machine."""

    certificates: Path | None = None
    """Folder with what `dropkey farm init` made; unset: `<home>/farm`."""

    part_seconds: Annotated[float, Field(gt=0.0)] = 60.0
    """A shot is cut into parts that take one worker about this long; towards its end into shorter ones."""

    part_frames: Annotated[int, Field(ge=0)] = 0
    """No part is longer than this; 0: as long as `part_seconds` allows."""

    lost_seconds: Annotated[float, Field(ge=5.0)] = 60.0
    """A worker that the scheduler has not heard of for this long is lost, and its frames go to others."""


class Settings(BaseSettings):
    """Everything about the service that can be chosen; choices about a key are `KeySettings`."""

    model_config = SettingsConfigDict(
        env_prefix="DROPKEY_", env_nested_delimiter="__", frozen=True, extra="forbid", use_attribute_docstrings=True
    )

    home: Path = Field(default_factory=lambda: home_folder())
    """Where all state lives: database, token, logs, and by default the drop and output folders."""

    drop_folders: tuple[Path, ...] = ()
    """Folders to watch; unset: `<home>/drop`. They are also the roots that requests may name."""

    output_root: Path | None = None
    """Where results go; unset: `<home>/output`."""

    extra_roots: tuple[Path, ...] = ()
    """Further folders that requests without the token on loopback may name, without being watched."""

    prefix_map: tuple[PrefixMap, ...] = ()
    """How other machines name our folders."""

    host: str = "127.0.0.1"
    """Address to listen on."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8765
    """Port to listen on; 0 takes a free one."""

    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    """Host headers that are answered; anything else is refused (DNS rebinding)."""

    behind_proxy: bool = False
    """Allow an address beyond loopback because a proxy in front does TLS and keeps strangers out."""

    farm: FarmSettings = FarmSettings()
    """Workers on other machines."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where keying runs; auto: every CUDA card, else Apple's GPU, else the CPU."""

    worker_threads: Annotated[int, Field(ge=0)] = 0
    """CPU threads of one worker; 0: all cores shared among the workers."""

    key_defaults: KeySettings = KeySettings()
    """Choices about the key for shots that say nothing of their own."""

    watch: Literal["auto", "native", "poll"] = "auto"
    """How drop folders are watched; auto: polling on network shares, the system's events elsewhere."""

    follow_links: bool = False
    """Accept symbolic links that lead out of a root, or out of the output folder."""

    scan_seconds: Seconds = 5.0
    """A drop folder is scanned this often while something changes in it."""

    idle_scan_seconds: Seconds = 60.0
    """… and this often while nothing does (events only hint; the scan is the truth)."""

    settle_stable_seconds: Seconds = 2.0
    """A file has settled when size and time are unchanged for this long (network shares: at least 5 s)."""

    settle_quiet_seconds: Seconds = 15.0
    """A shot of unknown length is complete when nothing came for this long, or 4 × its longest gap."""

    settle_grace_seconds: Seconds = 600.0
    """An empty file, or a frame that a sidecar promises, is waited for this long after the last change."""

    load_deadline_seconds: Seconds = 300.0
    """A worker that is not ready after this is killed."""

    frame_deadline_seconds: Seconds = 300.0
    """A worker that spends longer than this on one frame is killed."""

    restart_delay_seconds: Seconds = 0.5
    """Wait before a worker is started again; doubles with each death in a row, up to 30 s."""

    stop_deadline_seconds: Seconds = 10.0
    """How long workers may take to finish the frame at hand when the service stops."""

    attempts: Annotated[int, Field(ge=1)] = 3
    """Starts of one job before it is given up after transient faults."""

    minimum_free_gib: Annotated[float, Field(ge=0.0)] = 1.0
    """Below this much free space on the output disk, no new frame is started."""

    maximum_side_pixels: Annotated[int, Field(ge=16)] = 32768
    """Pictures wider or taller than this are refused."""

    maximum_picture_mib: Annotated[int, Field(ge=16)] = 4096
    """Pictures that would take more memory than this are refused."""

    maximum_request_mib: Annotated[int, Field(ge=1, le=64)] = 4
    """Requests, sidecars and job files larger than this are refused (mattes drawn as polygons are large)."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags win over variables, variables over the file."""
        home = getattr(init_settings, "init_kwargs", {}).get("home") or home_folder()
        file = TomlConfigSettingsSource(settings_cls, toml_file=Path(home) / "dropkey.toml")
        return init_settings, env_settings, file

    @property
    def roots(self) -> tuple[Path, ...]:
        """Watched folders."""
        return self.drop_folders or (self.home / "drop",)

    @property
    def output(self) -> Path:
        """Output root."""
        return self.output_root or self.home / "output"

    @property
    def database(self) -> Path:
        """The job store."""
        return self.home / "jobs.sqlite"

    @property
    def token_file(self) -> Path:
        """The token, readable by the user only."""
        return self.home / "token"

    @property
    def certificates(self) -> Path:
        """What proves that a machine belongs to the farm."""
        return self.farm.certificates or self.home / "farm"

    @property
    def presets_file(self) -> Path:
        """Choices about a key under names, shared by page, panel and command line."""
        return self.home / "presets.json"

    @property
    def weights_folder(self) -> Path:
        """Where weights of the user's own lie: `weights/NAME.safetensors` is the keyer `neural:NAME`."""
        return self.home / "weights"

    @property
    def discovery_file(self) -> Path:
        """Where panel and CLI learn where the service is."""
        return self.home / "service.json"


def swallowed_drop_folders(settings: Settings) -> dict[Path, Path]:
    """Return the drop folders that lie in the output folder (or are it), links followed, with how the latter reads.

    What lies in the output folder is taken for results: no shot would ever be taken from them.
    """
    output = settings.output.absolute()
    return {
        root: output
        for root in settings.roots
        if root.absolute().is_relative_to(output) or root.resolve().is_relative_to(output.resolve())
    }


def home_folder() -> Path:
    """Return `DROPKEY_HOME`, else the user's data folder. Raises Misconfigured for a user who has no home."""
    named = os.environ.get("DROPKEY_HOME")
    try:
        home = Path(named) if named else Path(platformdirs.user_data_path("DropKey", appauthor=False))
        return home.expanduser().absolute()
    except RuntimeError as error:
        raise Misconfigured(
            f"There is no home folder to keep state in: {error}.",
            fix="Set DROPKEY_HOME to a folder that your user may write into.",
        ) from error


def load_settings(**flags: Any) -> Settings:
    """Read the settings; flags that are None are left to file and environment.

    Raises Misconfigured with every wrong entry named, and where there is no home folder.
    """
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        wrong = sentence(error.errors())
        raise Misconfigured(
            f"The settings do not fit: {wrong}.",
            fix="Fix dropkey.toml in the home folder, or the DROPKEY_* variable.",
        ) from None
    except PermissionError as error:
        raise Misconfigured(
            f"dropkey.toml cannot be read: {error}.",
            fix="Let your user read it, or set DROPKEY_HOME to a folder that it may write into.",
        ) from error
    except (OSError, ValueError) as error:
        raise Misconfigured(f"dropkey.toml cannot be read: {error}.", fix="Fix it, or move it away.") from error
