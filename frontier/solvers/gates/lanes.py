"""Products with a sparse column, on rows of W numbers held in vector registers: intrinsics for compiled kernels.

A kernel that trains W cells side by side spends its sparse products on rows of W numbers. LLVM does not vectorise
such loops by itself (it cannot prove that the rows do not overlap, nor keep W sums in registers), so these three are
written in its own vector types. It lowers them to whatever the machine has (SSE, AVX2, AVX-512, NEON). All arrays are
flat; row j of a matrix with W columns starts at `j W`; `width` is a compile-time constant.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call"
# numba and llvmlite have no type hints: nothing here could be checked

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

ACCUMULATORS = 4  # independent sums: a fused multiply-add takes about 4 cycles, and one can start every cycle


class _Rows:
    """Loads, stores and multiply-adds on rows of `width` numbers, in the function that is being compiled."""

    def __init__(self, context, builder, width, real) -> None:
        self.context, self.builder, self.width = context, builder, width
        self.scalar = context.get_value_type(real)
        self.vector = ir.VectorType(self.scalar, width)
        self.alignment = real.bitwidth // 8

    def element(self, kind, array, index):
        return self.builder.load(self._pointer(kind, array, index))

    def row(self, kind, array, offset):
        return self.builder.load(self._row_pointer(kind, array, offset), align=self.alignment)

    def put(self, value, kind, array, offset) -> None:
        self.builder.store(value, self._row_pointer(kind, array, offset), align=self.alignment)

    def add_multiple(self, total, factor, row):
        """`total + factor · row`, fused where the machine can."""
        lane_zero = ir.Constant(ir.IntType(32), 0)
        lanes = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        undefined = ir.Constant(self.vector, ir.Undefined)
        factor = self.builder.shuffle_vector(
            self.builder.insert_element(undefined, factor, lane_zero), undefined, lanes
        )
        return self.builder.fadd(total, self.builder.fmul(factor, row, flags=("contract",)), flags=("contract",))

    def offset_of(self, kind, indices, t):
        """Where the row named by `indices[t]` starts."""
        j = self.element(kind, indices, t)
        j = self.builder.sext(j, t.type) if j.type.width < t.type.width else j
        return self.builder.mul(j, ir.Constant(t.type, self.width))

    def any_above(self, row, bound):
        """Whether a number of the row is above the bound; NaN is."""
        bounds = ir.Constant(self.vector, ir.Undefined)
        for lane in range(self.width):
            bounds = self.builder.insert_element(bounds, bound, ir.Constant(ir.IntType(32), lane))
        above = self.builder.fcmp_unordered(">", row, bounds)
        bits = ir.IntType(self.width)
        return self.builder.icmp_unsigned("!=", self.builder.bitcast(above, bits), ir.Constant(bits, 0))

    def zeros(self):
        total = cgutils.alloca_once(self.builder, self.vector)
        self.builder.store(ir.Constant(self.vector, None), total)
        return total

    def _pointer(self, kind, array, index):
        return self.builder.gep(self.context.make_array(kind)(self.context, self.builder, array).data, [index])

    def _row_pointer(self, kind, array, offset):
        return self.builder.bitcast(self._pointer(kind, array, offset), self.vector.as_pointer())


@intrinsic(prefer_literal=True)
def gather(typing_context, width, data, indices, start, stop, matrix, out, offset):
    """`out[offset : offset + W] = Σ_{start ≤ t < stop} data[t] · matrix[row indices[t]]`."""
    signature = types.void(width, data, indices, types.intp, types.intp, matrix, out, types.intp)

    def code(context, builder, signature, arguments):
        _, data, indices, start, stop, matrix, out, offset = arguments
        kinds = signature.args
        rows = _Rows(context, builder, kinds[0].literal_value, kinds[1].dtype)
        sums = [rows.zeros() for _ in range(ACCUMULATORS)]

        def add(total, t) -> None:
            row = rows.row(kinds[5], matrix, rows.offset_of(kinds[2], indices, t))
            factor = rows.element(kinds[1], data, t)
            builder.store(rows.add_multiple(builder.load(total), factor, row), total)

        one = ir.Constant(start.type, 1)
        rest = builder.and_(builder.sub(stop, start), ir.Constant(start.type, ACCUMULATORS - 1))
        middle = builder.sub(stop, rest)
        step = ir.Constant(start.type, ACCUMULATORS)
        with cgutils.for_range_slice(builder, start, middle, step, inc=True) as (t, _):
            for k, total in enumerate(sums):
                add(total, builder.add(t, ir.Constant(t.type, k)))
        with cgutils.for_range_slice(builder, middle, stop, one, inc=True) as (t, _):
            add(sums[0], t)
        first, second, third, fourth = (builder.load(total) for total in sums)
        rows.put(builder.fadd(builder.fadd(first, second), builder.fadd(third, fourth)), kinds[6], out, offset)
        return context.get_dummy_value()

    return signature, code


@intrinsic(prefer_literal=True)
def any_above(typing_context, width, matrix, offset, bound):
    """Whether one of `matrix[offset : offset + W]` is above `bound`, or no number."""
    signature = types.boolean(width, matrix, types.intp, matrix.dtype)

    def code(context, builder, signature, arguments):
        _, matrix, offset, bound = arguments
        kinds = signature.args
        rows = _Rows(context, builder, kinds[0].literal_value, kinds[1].dtype)
        found = rows.any_above(rows.row(kinds[1], matrix, offset), bound)
        return context.cast(builder, found, types.boolean, signature.return_type)

    return signature, code


@intrinsic(prefer_literal=True)
def widest_registers(typing_context):
    """Let the loops of the function that calls it use 512-bit registers; LLVM prefers 256 where older code slowed."""

    def code(context, builder, signature, arguments):
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')  # no name that llvmlite knows of
        return context.get_dummy_value()

    return types.void(), code


@intrinsic(prefer_literal=True)
def scatter(typing_context, width, data, indices, start, stop, weights, offset, out):
    """`out[row indices[t]] += data[t] · weights[offset : offset + W]` for `start ≤ t < stop`."""
    signature = types.void(width, data, indices, types.intp, types.intp, weights, types.intp, out)

    def code(context, builder, signature, arguments):
        _, data, indices, start, stop, weights, offset, out = arguments
        kinds = signature.args
        rows = _Rows(context, builder, kinds[0].literal_value, kinds[1].dtype)
        row = rows.row(kinds[5], weights, offset)
        one = ir.Constant(start.type, 1)
        with cgutils.for_range_slice(builder, start, stop, one, inc=True) as (t, _):
            at = rows.offset_of(kinds[2], indices, t)
            factor = rows.element(kinds[1], data, t)
            rows.put(rows.add_multiple(rows.row(kinds[7], out, at), factor, row), kinds[7], out, at)
        return context.get_dummy_value()

    return signature, code


@intrinsic(prefer_literal=True)
def combine(typing_context, width, factors, start, stride, count, matrix, out, offset):
    """`out[offset : offset + W] = Σ_{s < count} factors[start + s · stride] · matrix[row s]`."""
    signature = types.void(width, factors, types.intp, types.intp, types.intp, matrix, out, types.intp)

    def code(context, builder, signature, arguments):
        _, factors, start, stride, count, matrix, out, offset = arguments
        kinds = signature.args
        rows = _Rows(context, builder, kinds[0].literal_value, kinds[1].dtype)
        total = rows.zeros()
        with cgutils.for_range(builder, count) as loop:
            factor = rows.element(kinds[1], factors, builder.add(start, builder.mul(loop.index, stride)))
            at = builder.mul(loop.index, ir.Constant(loop.index.type, rows.width))
            row = rows.row(kinds[5], matrix, at)
            builder.store(rows.add_multiple(builder.load(total), factor, row), total)
        rows.put(builder.load(total), kinds[6], out, offset)
        return context.get_dummy_value()

    return signature, code
