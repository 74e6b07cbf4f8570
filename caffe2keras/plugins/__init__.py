"""Plugins: found, loaded, forgotten, carried to other processes, and remembered in files.

What a plugin's author needs is in ``caffe2keras.plugin``.
"""
