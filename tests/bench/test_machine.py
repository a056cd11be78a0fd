from __future__ import annotations

import numpy as np

from glmscope.bench.machine import Gauge, Int8Products, read_bandwidth


def test_the_products_are_of_int8() -> None:
    products = Int8Products(width=64, rows=8)
    kinds = {
        operation.get_rt_info()["runtimePrecision"].astype(str)
        for operation in products.compiled.get_runtime_model().get_ordered_ops()
        if operation.get_rt_info()["layerType"].astype(str) == "FullyConnected"
    }
    assert kinds <= {"u8", "i8"}
    assert kinds
    output = products.compiled(np.ones((8, 64), np.float32))[0]
    assert output.shape == (8, 64)
    assert np.isfinite(output).all()
    assert products.rate() > 0


def test_reading_is_measured_with_any_number_of_cores() -> None:
    assert read_bandwidth(cores=3, nbytes=2**16) > 0


def test_the_best_of_rounds_is_kept() -> None:
    gauge = Gauge(read_bytes=2**16)
    assert gauge.machine.cores >= 1
    gauge.measure()
    first = gauge.machine.as_json()
    assert first["bytes_per_second"] > 0
    gauge.machine.int8_per_second = 1e30
    gauge.measure()
    assert gauge.machine.int8_per_second == 1e30
    assert gauge.machine.bytes_per_second >= first["bytes_per_second"]
