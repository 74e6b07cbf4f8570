"""Reading: the only room that opens Caffe's files."""
