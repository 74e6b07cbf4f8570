"""What solver files mean, without Keras."""

import json

import pytest
from google.protobuf import text_format

from caffe2keras.errors import UnsupportedFieldError
from caffe2keras.proto import caffe_pb2
from caffe2keras.train.plan import Schedule, plan_of


def planned(text):
    return plan_of(text_format.Parse(text, caffe_pb2.SolverParameter()), "solver.prototxt")


@pytest.mark.parametrize(
    ("kind", "name", "arguments"),
    [
        ("SGD", "CaffeSGD", {"momentum"}),
        ("Nesterov", "CaffeNesterov", {"momentum"}),
        ("AdaGrad", "CaffeAdaGrad", {"delta"}),
        ("RMSProp", "CaffeRMSProp", {"delta", "rms_decay"}),
        ("AdaDelta", "CaffeAdaDelta", {"momentum", "delta"}),
        ("Adam", "CaffeAdam", {"momentum", "momentum2", "delta"}),
    ],
)
def test_each_type_has_its_class_and_arguments(kind, name, arguments):
    plan = planned(f'type: "{kind}" lr_policy: "fixed" base_lr: 0.3')
    assert (plan.class_name, set(plan.config), plan.learning_rate) == (name, arguments, 0.3)


def test_what_is_common_to_all_is_told_where_it_is_set():
    plan = planned(
        'lr_policy: "fixed" weight_decay: 0.0005 regularization_type: "L1" '
        'clip_gradients: 35 iter_size: 3 max_iter: 7 net: "a.prototxt"'
    )
    assert plan.config == {
        "momentum": 0.0,
        "weight_decay": 0.0005,
        "regularization_type": "L1",
        "clip_gradients": 35.0,
        "iter_size": 3,
    }
    assert (plan.max_iter, plan.net) == (7, "a.prototxt")


@pytest.mark.parametrize(
    ("text", "name", "config"),
    [
        (
            'lr_policy: "step" gamma: 0.1 stepsize: 5',
            "ExponentialDecay",
            {
                "initial_learning_rate": 0.2,
                "decay_steps": 5,
                "decay_rate": 0.1,
                "staircase": True,
            },
        ),
        (
            'lr_policy: "exp" gamma: 0.99',
            "ExponentialDecay",
            {"initial_learning_rate": 0.2, "decay_steps": 1, "decay_rate": 0.99},
        ),
        (
            'lr_policy: "poly" power: 0.5 max_iter: 40',
            "PolynomialDecay",
            {
                "initial_learning_rate": 0.2,
                "decay_steps": 40,
                "end_learning_rate": 0.0,
                "power": 0.5,
            },
        ),
        (
            'lr_policy: "inv" gamma: 0.001 power: 0.75',
            "caffe2keras>InverseDecay",
            {"base_lr": 0.2, "gamma": 0.001, "power": 0.75},
        ),
        (
            'lr_policy: "sigmoid" gamma: -0.5 stepsize: 8',
            "caffe2keras>SigmoidDecay",
            {"base_lr": 0.2, "gamma": -0.5, "stepsize": 8},
        ),
        (
            'lr_policy: "multistep" gamma: 0.1 stepvalue: 3 stepvalue: 9 stepvalue: 9',
            "PiecewiseConstantDecay",
            {"boundaries": [2, 8, 9], "values": [0.2, 0.02, 0.002, 0.0002]},
        ),
    ],
    ids=["step", "exp", "poly", "inv", "sigmoid", "multistep"],
)
def test_each_policy_has_its_schedule(text, name, config):
    assert planned("base_lr: 0.2 " + text).learning_rate == Schedule(name, config)


def test_a_plan_reads_as_python_and_as_json():
    plan = planned('base_lr: 0.2 lr_policy: "exp" gamma: 0.5 iter_size: 2 max_iter: 6')
    assert plan.render() == (
        "optimizer = caffe2keras.runtime.CaffeSGD(\n"
        "    learning_rate=keras.optimizers.schedules.ExponentialDecay("
        "initial_learning_rate=0.2, decay_steps=1, decay_rate=0.5),\n"
        "    momentum=0.0,\n"
        "    iter_size=2,\n"
        ")\n"
        "# for 6 updates, which take 12 batches"
    )
    told = json.loads(json.dumps(plan.to_json()))
    assert told["class_name"] == "caffe2keras>CaffeSGD"
    assert told["learning_rate"]["class_name"] == "ExponentialDecay"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('type: "Lion" lr_policy: "fixed"', 'type: "Lion"'),
        ('lr_policy: "cosine"', 'lr_policy: "cosine"'),
        ('lr_policy: "fixed" regularization_type: "L0"', 'regularization_type: "L0"'),
        ('lr_policy: "step" gamma: 0.1', "without stepsize"),
        ('lr_policy: "poly" power: 1', "without max_iter"),
        ('type: "AdaGrad" momentum: 0.9 lr_policy: "fixed"', "momentum: 0.9"),
    ],
)
def test_what_caffe_refuses_is_refused(text, message):
    with pytest.raises(UnsupportedFieldError, match=message):
        planned(text)
