"""What is done to an image before Caffe sees it: told by the prototxt or the user, kept, baked in.

Data layers turn a picture into a blob: Caffe's ``transform_param`` takes the mean away and
multiplies by a scale, on channels in OpenCV's order, blue first. A converted net leaves that to
its user, unless it is baked into the model.
"""

from caffe2keras.preprocessing.prepare import prepare
from caffe2keras.preprocessing.steps import ChannelOrder, Preprocessing

__all__ = ["ChannelOrder", "Preprocessing", "prepare"]
