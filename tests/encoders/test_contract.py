"""The contract suite, run on every encoder that needs nothing but pip packages."""

from __future__ import annotations

import pytest

from encoders.arithmetic import ArithmeticEncoder
from encoders.starter.encoder import StarterEncoder
from models.devices import Device
from tests.contracts.encoder_contract import EncoderContract, ScoreFusingContract
from uniir.protocols import Encoder


@pytest.fixture(scope="module")
def starter() -> Encoder:
    return StarterEncoder.load(Device(threads=2))


class TestArithmeticEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return ArithmeticEncoder()


class TestStarterEncoder(EncoderContract):
    @pytest.fixture
    def encoder(self, starter: Encoder) -> Encoder:
        return starter


class TestArithmeticHalves(ScoreFusingContract):
    @pytest.fixture
    def encoder(self) -> Encoder:
        return ArithmeticEncoder()


class TestStarterHalves(ScoreFusingContract):
    @pytest.fixture
    def encoder(self, starter: Encoder) -> Encoder:
        return starter
