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

_DOUBLE, _LONG, _INT, _WORD, _BYTE = ir.DoubleType(), ir.IntType(64), ir.IntType(32), ir.IntType(16), ir.IntType(8)


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
            new = builder.trunc(new, number) if number in (_INT, _WORD, _BYTE) else new
            builder.store(new, builder.inttoptr(at, number.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(types.int64, given), generate

    return put


def _count_getter(number: Any) -> Any:
    @intrinsic
    def get(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.zext(builder.load(builder.inttoptr(arguments[0], number.as_pointer()), align=1), _LONG)

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


def _bit_finder() -> Any:
    @intrinsic
    def find(typing: Any, bits: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

        return types.int64(types.int64), generate

    return find


def _many(builder: Any, lanes: Any, number: Any) -> Any:
    """A vector that holds a number in every lane."""
    none = ir.Constant(lanes, ir.Undefined)
    one = builder.insert_element(none, number, ir.Constant(_INT, 0))
    return builder.shuffle_vector(one, none, ir.Constant(ir.VectorType(_INT, lanes.count), 0))


def _bits(builder: Any, answers: Any) -> Any:
    """A vector of answers as an integer, a bit for each lane."""
    return builder.zext(builder.bitcast(answers, ir.IntType(answers.type.count)), _LONG)


def _side_asker() -> Any:
    eight = ir.VectorType(_DOUBLE, 8)

    @intrinsic
    def ask(typing: Any, xs: Any, ys: Any, ax: Any, ay: Any, ux: Any, uy: Any, slack: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            x, y = (builder.load(builder.inttoptr(at, eight.as_pointer()), align=8) for at in arguments[:2])
            ax, ay, ux, uy, slack, least = (
                _many(builder, eight, number) for number in (*arguments[2:], builder.fneg(arguments[6]))
            )
            turn = builder.fsub(builder.fmul(ux, builder.fsub(y, ay)), builder.fmul(uy, builder.fsub(x, ax)))
            left, right = builder.fcmp_ordered(">", turn, slack), builder.fcmp_ordered("<", turn, least)
            return builder.or_(
                _bits(builder, left), builder.shl(_bits(builder, right), ir.Constant(_LONG, eight.count))
            )

        return types.int64(types.int64, types.int64, *[types.float64] * 5), generate

    return ask


def _box_asker() -> Any:
    sixteen = ir.VectorType(_WORD, 16)

    @intrinsic
    def ask(typing: Any, boxes: Any, west: Any, south: Any, east: Any, north: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            def theirs(side: int) -> Any:
                at = builder.add(arguments[0], ir.Constant(_LONG, 2 * sixteen.count * side))
                return builder.load(builder.inttoptr(at, sixteen.as_pointer()), align=2)

            west, south, east, north = (
                _many(builder, sixteen, builder.trunc(number, _WORD)) for number in arguments[1:]
            )
            along = builder.and_(builder.icmp_signed("<=", theirs(0), east), builder.icmp_signed(">=", theirs(2), west))
            across = builder.and_(
                builder.icmp_signed("<=", theirs(1), north), builder.icmp_signed(">=", theirs(3), south)
            )
            return _bits(builder, builder.and_(along, across))

        return types.int64(*[types.int64] * 5), generate

    return ask


byte_at, word_at = _count_getter(_BYTE), _count_getter(_WORD)  # from 0 to 255, and to 65,535
lowest_bit = _bit_finder()  # which bit of an integer is the lowest that is set; one is
# Which of eight vertices surely lie left of the line from `a` along `u` (eight bits), and which right of it (the next
# eight): by more than the slack. The x of all, and the y of all, lie one after the other.
sides_of = _side_asker()
# Which of sixteen boxes meet another: a bit for each. They are 16-bit integers: all wests, souths, easts and norths.
boxes_met = _box_asker()
fetch = _fetcher()  # lets the processor bring nearer what lies at an address, if anything does, while it goes on
count_in = _reader(32, _LONG, types.int64)  # an unsigned count of 32 bits, and whether its bytes are swapped
float_in = _reader(64, _DOUBLE, types.float64)
float_at, put_float = _getter(_DOUBLE, types.float64), _setter(_DOUBLE, types.float64)
int_at, put_int = _getter(_LONG, types.int64), _setter(_LONG, types.int64)
put_short = _setter(_INT, types.int64)  # an integer that fits 32 bits
put_word = _setter(_WORD, types.int64)  # the lowest sixteen bits of an integer, and
put_byte = _setter(_BYTE, types.int64)  # the lowest eight bits of an integer


@inner
def address_of(array: Any) -> int:
    """Where an array lies: a signed number, which others can be added to without becoming a double.

    Whoever calls compiled code keeps the array alive; numba lets go of one of its own after its last use as an array.
    """
    return int(np.int64(array.ctypes.data))
