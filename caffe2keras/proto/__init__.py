"""Caffe's messages: `caffe.proto`, and the bindings that `scripts/build_proto` makes of it."""
