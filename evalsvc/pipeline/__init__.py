"""The whole flow on one screen: dataset -> prompt -> request -> pool -> journal -> scoring -> metrics -> report."""

from evalsvc.pipeline.flow import Evaluation, evaluate
from evalsvc.pipeline.prepare import RunOptions, prepare
from evalsvc.pipeline.stop import StopSwitch

__all__ = ["Evaluation", "RunOptions", "StopSwitch", "evaluate", "prepare"]
