"""A net as a picture: laid out in layers here, without graphviz, and written as SVG or PNG."""

from caffe2keras.diagram.caffe import chart_of_net
from caffe2keras.diagram.chart import Chart, Edge, Node, Step
from caffe2keras.diagram.draw import PlotReport, plot

__all__ = ["Chart", "Edge", "Node", "PlotReport", "Step", "chart_of_net", "plot"]
