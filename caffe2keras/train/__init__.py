"""What Caffe's solver files mean in Keras, and how training goes on from them."""

from caffe2keras.train.compile import compile_from_solver
from caffe2keras.train.plan import SolverPlan, plan_of
from caffe2keras.train.resume import restore_solverstate

__all__ = ["SolverPlan", "compile_from_solver", "plan_of", "restore_solverstate"]
