from caffe2keras.passes import remove_splits

SPLIT = """
layer { name: "s" type: "Split" bottom: "data" top: "a" top: "b" top: "c" }
layer { name: "r" type: "ReLU" bottom: "a" top: "r" }
layer { name: "t" type: "Split" bottom: "b" top: "d" }
layer { name: "p" type: "TanH" bottom: "d" top: "p" }
"""


def test_everyone_reads_the_bottom_itself(built, drawn):
    net = remove_splits(built(SPLIT))
    assert drawn(net) == ["Input input:  -> data", "ReLU r: data -> r", "TanH p: data -> p"]


def test_the_tops_can_still_be_found_by_name(built):
    net = remove_splits(built(SPLIT))
    assert {name: blob.key for name, blob in net.aliases} == dict.fromkeys("abcd", ("data", 0))
    assert all(blob.shape == (4, 3, 9, 7) for _, blob in net.aliases)


def test_an_output_that_was_a_top_is_the_bottom_now_and_only_once(built):
    net = remove_splits(
        built(
            'layer { name: "r" type: "ReLU" bottom: "data" top: "data" }'
            'layer { name: "s" type: "Split" bottom: "data" top: "a" top: "b" }'
        )
    )
    assert [blob.key for blob in net.outputs] == [("data", 1)]


def test_a_layer_in_place_behind_a_split_keeps_its_name(built, drawn):
    net = remove_splits(
        built(
            'layer { name: "s" type: "Split" bottom: "data" top: "a" top: "b" }'
            'layer { name: "r" type: "ReLU" bottom: "a" top: "a" }'
            'layer { name: "x" type: "Eltwise" bottom: "a" bottom: "b" top: "x" }'
        )
    )
    assert drawn(net)[1:] == ["ReLU r: data -> a.1", "Eltwise x: a.1 data -> x"]


def test_a_net_without_splits_is_left_alone(built):
    net = built('layer { name: "r" type: "ReLU" bottom: "data" top: "r" }')
    assert remove_splits(net) is net
