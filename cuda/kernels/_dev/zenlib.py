# SPDX-License-Identifier: Apache-2.0
"""Loads kernels.fatbin through the driver beside PyTorch and launches by name."""

import ctypes as C
import os

import torch

cu = C.CDLL("libcuda.so.1")
torch.cuda.init()
torch.zeros(1, device="cuda")


def ok(code):
    if code:
        s = C.c_char_p()
        cu.cuGetErrorName(code, C.byref(s))
        raise RuntimeError(f"CUDA error {code} {s.value}")


class Attr(C.Structure):
    _fields_ = [("id", C.c_int), ("pad", C.c_char * 4), ("value", C.c_int * 16)]


class Config(C.Structure):
    _fields_ = [
        ("grid", C.c_uint * 3),
        ("block", C.c_uint * 3),
        ("shared", C.c_uint),
        ("stream", C.c_void_p),
        ("attrs", C.c_void_p),
        ("count", C.c_uint),
    ]


module = C.c_void_p()
with open(
    os.environ.get("FATBIN", os.path.join(os.path.dirname(__file__), "..", "kernels.fatbin")), "rb"
) as f:
    image = f.read()
ok(cu.cuModuleLoadData(C.byref(module), image))
functions = {}
large = set()
SMS = torch.cuda.get_device_properties(0).multi_processor_count


def function(name):
    if name not in functions:
        f = C.c_void_p()
        ok(cu.cuModuleGetFunction(C.byref(f), module, name.encode()))
        ok(cu.cuFuncSetAttribute(f, 9, 100))  # all divide L1 and shared memory alike
        functions[name] = f
    return functions[name]


def struct(spec, **values):
    """spec: 'p name' pointers and 'i'/'f' words, in order. Floats that scale are 1."""
    fields = [
        (n, {"p": C.c_void_p, "i": C.c_int, "f": C.c_float}[t])
        for t, n in (s.split() for s in spec)
    ]
    cls = type("S", (C.Structure,), {"_fields_": fields})
    s = cls()
    for k, t in fields:
        if t is C.c_float and k.endswith(("Scale", "alpha", "scale")):
            setattr(s, k, 1)
    for k, v in values.items():
        setattr(s, k, v.data_ptr() if isinstance(v, torch.Tensor) else v)
    return s


def launch(name, grid, block, shared, args, pdl=True):
    grid = tuple(grid) + (1,) * (3 - len(grid))
    vals = []
    for a in args:
        if isinstance(a, torch.Tensor):
            a = C.c_void_p(a.data_ptr())
        elif a is None:
            a = C.c_void_p(0)
        elif isinstance(a, int):
            a = C.c_int(a)
        elif isinstance(a, float):
            a = C.c_float(a)
        vals.append(a)
    ptrs = (C.c_void_p * len(vals))(*[C.cast(C.pointer(v), C.c_void_p) for v in vals])
    attr = Attr(6)
    attr.value[0] = 1
    if shared > 48 * 1024 and name not in large:
        ok(cu.cuFuncSetAttribute(function(name), 8, 220000 if "attention" in name else 231000))
        large.add(name)
    config = Config(
        (C.c_uint * 3)(*grid),
        (C.c_uint * 3)(block, 1, 1),
        shared,
        torch.cuda.current_stream().cuda_stream,
        C.cast(C.pointer(attr), C.c_void_p),
        1 if pdl else 0,
    )
    ok(cu.cuLaunchKernelEx(C.byref(config), function(name), ptrs, None))


GEMV = (
    "p dst,p x,p w,p scales,p w2,p scales2,p bias,p residual,p norm,i rows,i in_,i out,i late,f eps,f wScale,f w2Scale".split(
        ","
    )
)
SEARCH = GEMV + "p found,p top,p token".split(",")
ROT = "p q,p k,p v,p table,p kcache,p vcache,p positions,p sequences,p pages,i pageStride,i heads,i kvHeads,i headDim,i pageSize,i pad".split(
    ","
)
QKV = (
    GEMV
    + "p wk,p sk,p wv,p sv,p bk,p bv".split(",")
    + [s.replace(" ", " r_") for s in ROT]
    + "i kvType,f wkScale,f wvScale,i pad2".split(",")
)
ATT = (
    "p dst,p dst16,p q,p k,p v,p positions,p sequences,p pages,p workspace,p counters,p tiles,p kScales,p vScales,"
    "i pageStride,i heads,i kvHeads,i headDim,i pageSize,i window,i splits,f scale,i alone,i settled"
).split(",")
GEMM = "p dst,p x,p w,p bias,p residual,p rowScale,i n,i in_,i out,i stride,f alpha,i half".split(
    ","
)

QGEMM = (
    "p dst,p x,p w,p scales,p bias,p residual,p rowScale,p partial,p counters,"
    "i n,i in_,i out,i stride,f alpha,i pad"
).split(",")


EMBED = "p dst,p table,p scales,p tokens,i hidden,f scale".split(",")


def pad(n, to):
    return (n + to - 1) // to * to


def largest(out, maxima, x, rows, columns, k=256):
    """The largest elements of rows: out [rows, 1058], maxima [rows, groups]."""
    groups = (columns + 127) // 128
    launch("zen_group_max", ((groups + 7) // 8, rows), 256, 0, [maxima, x, columns])
    launch("zen_largest", (rows,), 1024, 4 * groups, [out, x, maxima, None, columns, k])


def gemv_shared(rows, inn, fmt="f16", stages=0):
    """Bytes with as many stages as leave room for a neighbour of 4, or the given number."""
    p = pad(inn, 256)
    scales = pad(rows * (p // 8 if fmt == "q4" else p // 16), 128)
    row = 2 * (p + 64) if fmt in ("q8", "q4") else 4 * (p + 32)
    groups = (rows + 3) // 4
    sums = 4096 * max(groups, {"q8": 2, "q4": 4}.get(fmt, 1)) + 128 * groups
    fixed = sums + scales + rows * row
    each = 16384 + (2048 if fmt in ("q8", "q4") else 0)
    stages = stages or int(os.environ.get("STAGES", 0))
    if not stages:
        stages = 6 if fixed + 6 * each <= 116000 else 4
    while stages > 2 and fixed + stages * each > 226 * 1024:
        stages -= 2
    return fixed + stages * each


class Weight:
    """A matrix on the device and its float32 values, ref [out, in]."""

    def __init__(self, fmt, out, inn, keep_ref=True, scale=None):
        self.fmt, self.out, self.inn = fmt, out, inn
        s = scale or inn**-0.5
        self.scales = None
        if fmt in ("bf16", "f16", "f32"):
            dt = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}[fmt]
            self.w = torch.empty(out, inn, device="cuda", dtype=dt).normal_(0, s)
            if fmt == "f16":
                self.w = self.w.bfloat16().half()
            self.ref = self.w.float() if keep_ref else None
            return
        bits8 = fmt == "q8"
        P, B = pad(out, 16) // 16, pad(inn, 64) // 64
        if not keep_ref:  # random bytes are as good for timing
            ip = pad(inn, 128 if bits8 else 256)
            self.w = torch.randint(
                0, 256, (out, ip if bits8 else ip // 2), device="cuda", dtype=torch.uint8
            )
            self.scales = (
                torch.empty(out, ip // (64 if bits8 else 32), device="cuda", dtype=torch.float16)
                .uniform_(0.5, 1)
                .mul_(s / (64 if bits8 else 4))
            )
            self.ref = None
            return
        lo, hi = (-127, 128) if bits8 else (-8, 8)
        q = torch.zeros(P * 16, B * 64, device="cuda", dtype=torch.int32)
        q[:out, :inn] = torch.randint(lo, hi, (out, inn), device="cuda", dtype=torch.int32)
        nb = 64 if bits8 else 32
        sc = (
            torch.empty(P * 16, B * 64 // nb, device="cuda")
            .uniform_(0.5, 1)
            .mul_(s / (64 if bits8 else 4))
            .half()
        )
        self.ref = (q.float() * sc.float().repeat_interleave(nb, 1))[:out, :inn].contiguous()
        if bits8:
            panels = q.view(P, 16, B, 16, 4).permute(0, 2, 3, 1, 4).to(torch.int8).contiguous()
            psc = sc.view(P, 16, B).permute(0, 2, 1).contiguous()
            ip = pad(inn, 128)
            self.w = torch.full((out, ip), 77, device="cuda", dtype=torch.uint8)
            self.scales = torch.full(
                (out, ip // 64), float("nan"), device="cuda", dtype=torch.float16
            )
            grid = (ip // 64, P)
        else:
            v = (q + 8).view(P, 16, B, 2, 8, 4).permute(0, 2, 4, 1, 5, 3)
            panels = (v[..., 0] | v[..., 1] << 4).to(torch.uint8).contiguous()
            psc = sc.view(P, 16, B, 2).permute(0, 2, 3, 1).contiguous()
            ip = pad(inn, 256)
            self.w = torch.full((out, ip // 2), 77, device="cuda", dtype=torch.uint8)
            self.scales = torch.full(
                (out, ip // 32), float("nan"), device="cuda", dtype=torch.float16
            )
            grid = (ip // 128, P)
        half = P // 2 if P > 1 else P
        launch(
            f"zen_repack_{fmt}",
            (grid[0], half),
            256,
            0,
            [self.w, self.scales, panels, psc, inn, min(out, half * 16), 0],
            pdl=False,
        )
        if half < P:
            launch(
                f"zen_repack_{fmt}",
                (grid[0], P - half),
                256,
                0,
                [self.w, self.scales, panels[half:], psc[half:], inn, out - half * 16, half * 16],
                pdl=False,
            )
        torch.cuda.synchronize()

    @property
    def bytes(self):
        return self.w.numel() * self.w.element_size() + (
            self.scales.numel() * 2 if self.scales is not None else 0
        )


def gemv_name(rows, fmt):
    return f"zen_gemv{'8' if rows > 4 else '4' if rows > 1 else ''}_{fmt}"


def gemv(W, dst, x, W2=None, bias=None, residual=None, norm=None, eps=1e-6, grid=None, stages=0, late=0):
    p = struct(GEMV, late=late, dst=dst, x=x, w=W.w, rows=x.shape[0], in_=W.inn, out=W.out, eps=eps)
    if W.scales is not None:
        p.scales = W.scales.data_ptr()
    if W2 is not None:
        p.w2 = W2.w.data_ptr()
        if W2.scales is not None:
            p.scales2 = W2.scales.data_ptr()
    for k, v in (("bias", bias), ("residual", residual), ("norm", norm)):
        if v is not None:
            setattr(p, k, v.data_ptr())
    launch(
        gemv_name(x.shape[0], W.fmt) + ("_swiglu" if W2 is not None else ""),
        (grid or SMS,),
        256,
        gemv_shared(x.shape[0], W.inn, W.fmt, stages),
        [p],
    )


QGEMM_COLUMNS = (8, 16, 32, 64)


def qgemm_shape(n, out, inn, fmt):
    """Columns, blocks and bytes of shared memory, as package cuda chooses them."""
    columns = next(c for c in QGEMM_COLUMNS if c >= min(n, 64))
    stage = 128 * (264 if fmt == "q8" else 144) + columns * 576
    fixed, per, room = 256 * columns, 1, 226 * 1024
    half = (room + 1024) // 2 - 1024
    if columns < 64 and fixed + 2 * stage <= half:
        room, per = half, 2
    blocks = min(per * SMS, (pad(out, 128) // 128 * (pad(inn, 256) // 256) + 1) // 2)
    return columns, blocks, fixed + min(4, (room - fixed) // stage) * stage


parts = {}


def qgemm(W, dst, x, bias=None, residual=None, row_scale=None, alpha=1.0):
    """dst = alpha·row_scale·(x·Wᵀ) + bias + residual for any number of rows, x F16."""
    if not parts:
        parts["sums"] = torch.full((2 * 2 * SMS * 128 * 64,), float("nan"), device="cuda")
        parts["counters"] = torch.zeros(4096, device="cuda", dtype=torch.int32)
    for first in range(0, x.shape[0], 64):
        n = min(64, x.shape[0] - first)
        columns, blocks, shared = qgemm_shape(n, W.out, W.inn, W.fmt)
        p = struct(
            QGEMM,
            dst=dst[first:],
            x=x[first:],
            w=W.w,
            scales=W.scales,
            partial=parts["sums"],
            counters=parts["counters"],
            n=n,
            in_=W.inn,
            out=W.out,
            stride=dst.shape[1],
            alpha=alpha,
        )
        if row_scale is not None:
            p.rowScale = row_scale[first:].data_ptr()
        if bias is not None:
            p.bias = bias.data_ptr()
        if residual is not None:
            p.residual = residual[first:].data_ptr()
        launch(f"zen_qgemm_{W.fmt}_{columns}", (blocks,), 256, shared, [p])


class Cache:
    """Pages of one layer for sequences of the given lengths, and the page table."""

    def __init__(self, lengths, kv_heads, head_dim, dtype=torch.bfloat16, page=32, extra=2):
        n = sum(l // page + 1 for l in lengths) + extra
        self.page, self.kv_heads, self.head_dim = page, kv_heads, head_dim
        self.k = torch.full((n, kv_heads, page, head_dim), float("nan"), device="cuda", dtype=dtype)
        self.v = torch.full_like(self.k, float("nan"))
        perm = torch.randperm(n).tolist()
        stride = max(l // page + 1 for l in lengths)
        table = torch.zeros(len(lengths), stride, dtype=torch.int32)
        for i, l in enumerate(lengths):
            for j in range(l // page + 1):
                table[i, j] = perm.pop()
        self.table = table.cuda()

    def fill(self, seq, length):
        for name in ("k", "v"):
            c = getattr(self, name)
            x = torch.randn(length, self.kv_heads, self.head_dim, device="cuda").to(c.dtype)
            pos = torch.arange(length, device="cuda")
            c[self.table[seq, pos // self.page].long(), :, pos % self.page] = x

    def read(self, seq, length):
        pos = torch.arange(length, device="cuda")
        at = self.table[seq, pos // self.page].long()
        return self.k[at, :, pos % self.page].double(), self.v[at, :, pos % self.page].double()


def attention_ref(q, k, v, position, scale, window=0):
    """q [heads, d]; k, v [length, kvHeads, d] float64."""
    first = max(0, position - window + 1) if window else 0
    g = q.shape[0] // k.shape[1]
    kk, vv = (t[first : position + 1].repeat_interleave(g, 1) for t in (k, v))
    p = torch.softmax(torch.einsum("hd,lhd->hl", q.double(), kk) * scale, -1)
    return torch.einsum("hl,lhd->hd", p, vv)


def err(got, want):
    """Relative error in norm; NaN where an element is."""
    got, want = got.double(), want.double()
    return ((got - want).norm() / want.norm()).item() if got.isfinite().all() else float("nan")
