"""Keys one shot: decode ∥ key ∥ encode, the manifest kept meanwhile and written last.

The flow is in `shot`; `stages` says what happens to one frame, `conveyor` how frames overlap, `kept` which ones need
no work, `record` what the manifest says, `memory` where the memory of freed pictures goes.
"""

from service.pipeline.limits import Limits
from service.pipeline.shot import key_shot

__all__ = ["Limits", "key_shot"]
