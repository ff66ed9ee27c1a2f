"""Compiled: numbers read and written at addresses in memory, whatever their alignment.

Numba counts who holds an array in every function that is given one, at more than what the function itself costs where
it does as little as adding one edge to one cell. What is done per edge and per feature therefore gets addresses. Whose
arrays they are sees to their size and to their life (`grids.workspace`).
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from grids.compiled import inner

_DOUBLE, _LONG, _INT, _BYTE = ir.DoubleType(), ir.IntType(64), ir.IntType(32), ir.IntType(8)


def _reader(bits: int, number: Any, result: Any) -> Any:
    """Make an intrinsic that reads `bits` in either byte order."""

    @intrinsic
    def read(typing: Any, address: Any, swapped: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            at, swap = arguments
            raw = builder.load(builder.inttoptr(at, ir.IntType(bits).as_pointer()), align=1)
            value = builder.select(builder.trunc(swap, ir.IntType(1)), builder.bswap(raw), raw)
            return builder.bitcast(value, number) if bits == 64 else builder.zext(value, number)

        return result(types.int64, types.boolean), generate

    return read


def _getter(number: Any, result: Any) -> Any:
    @intrinsic
    def get(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.load(builder.inttoptr(arguments[0], number.as_pointer()), align=1)

        return result(types.int64), generate

    return get


def _setter(number: Any, given: Any) -> Any:
    @intrinsic
    def put(typing: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            at, new = arguments
            new = builder.trunc(new, number) if number in (_INT, _BYTE) else new
            builder.store(new, builder.inttoptr(at, number.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(types.int64, given), generate

    return put


def _byte_getter() -> Any:
    @intrinsic
    def get(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.zext(builder.load(builder.inttoptr(arguments[0], _BYTE.as_pointer())), _LONG)

        return types.int64(types.int64), generate

    return get


def _fetcher() -> Any:
    @intrinsic
    def fetch(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            place = builder.inttoptr(arguments[0], _BYTE.as_pointer())
            kind = ir.FunctionType(ir.VoidType(), [place.type, _INT, _INT, _INT])
            to_read, to_keep, data = (ir.Constant(_INT, number) for number in (0, 3, 1))
            prefetch = builder.module.declare_intrinsic("llvm.prefetch", [place.type], kind)
            builder.call(prefetch, (place, to_read, to_keep, data))
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return fetch


byte_at = _byte_getter()  # from 0 to 255
fetch = _fetcher()  # lets the processor bring nearer what lies at an address, if anything does, while it goes on
count_in = _reader(32, _LONG, types.int64)  # an unsigned count of 32 bits, and whether its bytes are swapped
float_in = _reader(64, _DOUBLE, types.float64)
float_at, put_float = _getter(_DOUBLE, types.float64), _setter(_DOUBLE, types.float64)
int_at, put_int = _getter(_LONG, types.int64), _setter(_LONG, types.int64)
put_short = _setter(_INT, types.int64)  # an integer that fits 32 bits
put_byte = _setter(_BYTE, types.int64)  # the lowest eight bits of an integer


@inner
def address_of(array: Any) -> int:
    """Where an array lies: a signed number, which others can be added to without becoming a double.

    Whoever calls compiled code keeps the array alive; numba lets go of one of its own after its last use as an array.
    """
    return int(np.int64(array.ctypes.data))
