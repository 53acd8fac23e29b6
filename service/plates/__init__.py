"""Reads plates of every kind as scene-linear Rec.709 float32, at full depth. Knows no torch and no job."""

from service.plates.encodings import ALIASES, resolve_encoding
from service.plates.mattes import matte_path, read_clean_plate, read_matte
from service.plates.opening import Plate, open_plate, read_picture
from service.plates.pictures import Picture, PlateFormat
from service.plates.stills import use_reader_threads

__all__ = [
    "ALIASES",
    "Picture",
    "Plate",
    "PlateFormat",
    "matte_path",
    "open_plate",
    "read_clean_plate",
    "read_matte",
    "read_picture",
    "resolve_encoding",
    "use_reader_threads",
]
