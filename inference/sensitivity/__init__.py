"""What the effect hangs on: analyses with other assumptions than the main one."""

from inference.sensitivity.confounding import CONFOUNDING
from inference.sensitivity.feedback import FEEDBACK
from inference.sensitivity.left_out import LEFT_OUT
from inference.sensitivity.missing_cells import MISSING
from inference.sensitivity.sensitivity import Sensitivity
from inference.sensitivity.surface import SURFACE
from inference.sensitivity.timing_pooled import TIMING

SENSITIVITIES: dict[str, Sensitivity] = {
    one.name: one for one in (FEEDBACK, TIMING, SURFACE, CONFOUNDING, LEFT_OUT, MISSING)
}
