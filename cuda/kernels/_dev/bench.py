# SPDX-License-Identifier: Apache-2.0
"""Times kernels in graphs over weights that never fit the L2 cache, and whole decode
steps of the two shapes. Arguments: gemv decode attention gemm prefill (default all)."""

import statistics
import sys

from zenlib import *

SHAPES = {
    "3b": dict(hidden=2048, layers=36, heads=16, kv=2, inter=11008),
    "7.6b": dict(hidden=3584, layers=28, heads=28, kv=4, inter=18944),
}
VOCAB, D = 151936, 128
table = []


def graph_ms(record, reps=7):
    """Median milliseconds of a replay of what record launches."""
    record()
    torch.cuda.synchronize()
    g, side = torch.cuda.CUDAGraph(), torch.cuda.Stream()
    with torch.cuda.graph(g, stream=side):
        record()
    g.replay()
    torch.cuda.synchronize()
    times = []
    for _ in range(reps):
        a, b = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        a.record()
        for _ in range(3):
            g.replay()
        b.record()
        torch.cuda.synchronize()
        times.append(a.elapsed_time(b) / 3)
    return statistics.median(times)


def copy_rate():
    a = torch.empty(2 << 30, dtype=torch.uint8, device="cuda").random_()
    b = torch.empty_like(a)
    ms = graph_ms(lambda: b.copy_(a))
    read = graph_ms(lambda: a.view(torch.int64).sum())
    return 2 * a.numel() / ms / 1e9, a.numel() / read / 1e9


def bench_gemv():
    for fmt in os.environ.get("FORMATS", "f16 q8 q4").split():
        for shape, out, inn, gated in (
            ("3b o", 2048, 2048, 0),
            ("3b gate/up", 11008, 2048, 1),
            ("3b down", 2048, 11008, 0),
            ("3b head", VOCAB, 2048, 0),
            ("7.6b o", 3584, 3584, 0),
            ("7.6b gate/up", 18944, 3584, 1),
            ("7.6b down", 3584, 18944, 0),
            ("7.6b head", VOCAB, 3584, 0),
        ):
            one = Weight(fmt, out, inn, keep_ref=False)
            n = max(2, min(40, int(6e8 / (one.bytes * (2 if gated else 1)))))
            ws = [one] + [
                Weight(fmt, out, inn, keep_ref=False) for _ in range(n * (2 if gated else 1) - 1)
            ]
            for rows in (1, 4, 8):
                if gemv_shared(rows, inn, fmt) > 226 * 1024:
                    continue
                x, nw = torch.randn(rows, inn, device="cuda"), torch.randn(inn, device="cuda")
                d = torch.empty(rows, out, device="cuda")

                def record():
                    for i in range(n):
                        if gated:
                            gemv(ws[2 * i], d, x, W2=ws[2 * i + 1], norm=nw)
                        else:
                            gemv(ws[i], d, x)

                us = graph_ms(record) / n * 1e3
                size = one.bytes * (2 if gated else 1)
                table.append(
                    f"gemv {fmt:5} {shape:13} rows={rows} {us:8.2f} us {size / us / 1e6:6.3f} TB/s"
                )
            del ws, one


class Decoder:
    """A decode step of random weights, as a chain of kernels or as a program."""

    def __init__(self, shape, fmt, length, rows=1, splits=0):
        s = SHAPES[shape] if isinstance(shape, str) else shape
        self.__dict__.update(s)
        h, i, hd, kv = self.hidden, self.inter, self.heads * D, self.kv
        W = lambda o, n: Weight(fmt, o, n, keep_ref=False)
        self.fmt, self.rows, self.length = fmt, rows, length
        self.ls = [
            dict(
                q=W(hd, h),
                k=W(kv * D, h),
                v=W(kv * D, h),
                o=W(h, hd),
                g=W(i, h),
                u=W(i, h),
                d=W(h, i),
            )
            for _ in range(self.layers)
        ]
        self.head = W(VOCAB, h)
        self.bytes = sum(w.bytes for l in self.ls for w in l.values()) + self.head.bytes
        f = lambda *n: torch.randn(*n, device="cuda")
        self.norm, self.bias = torch.ones(h, device="cuda"), f(hd)
        self.caches = [Cache([length] * rows, kv, D) for _ in range(self.layers)]
        for c in self.caches:
            c.k.normal_(), c.v.normal_()
        self.x, self.q, self.a, self.act, self.logits = (
            f(rows, h),
            f(rows, hd),
            f(rows, hd),
            f(rows, i),
            f(rows, VOCAB),
        )
        self.table = torch.rand(length + 1, D, device="cuda")
        i32 = lambda v: torch.tensor(v, dtype=torch.int32, device="cuda")
        self.pos, self.seq, self.tok = (
            i32([length - 1] * rows),
            i32(list(range(rows))),
            i32([5 + r for r in range(rows)]),
        )
        self.splits = splits or max(1, min(32, length // 64))
        self.ws, self.cnt = f(rows, self.heads, self.splits, D + 2), i32([0] * rows * kv)
        self.y = f(rows, h)
        self.found, self.top = i32([0, 0]), i32([0] * 4)
        self.maxima, self.largest = i32([0] * rows * 2048), i32([0] * rows * 1058)
        self.ops, self.plan, self.cluster = list(self.operations()), {}, True
        self.wide = rows * self.kv * 8 <= SMS

    def gemv(self, W, dst, x, W2=None, residual=None, norm=None):
        p = struct(GEMV, dst=dst, x=x, w=W.w, rows=self.rows, in_=W.inn, out=W.out, eps=1e-6)
        if W.scales is not None:
            p.scales = W.scales.data_ptr()
        if W2 is not None:
            p.w2 = W2.w.data_ptr()
            p.scales2 = W2.scales.data_ptr() if W2.scales is not None else 0
        if residual is not None:
            p.residual = residual.data_ptr()
        if norm is not None:
            p.norm = norm.data_ptr()
        return "gated" if W2 is not None else "gemv", p

    def operations(self):
        """(name, kind, parameters) of a step."""
        h, kv, scales = (
            self.hidden,
            self.kv,
            lambda w: w.scales.data_ptr() if w.scales is not None else 0,
        )
        yield (
            "embed",
            "embed",
            struct(
                EMBED,
                dst=self.x,
                table=self.head.w,
                scales=scales(self.head),
                tokens=self.tok,
                hidden=h,
            ),
        )
        for l, c in zip(self.ls, self.caches):
            yield (
                "qkv",
                "qkv",
                struct(
                    QKV,
                    x=self.x,
                    w=l["q"].w,
                    scales=scales(l["q"]),
                    bias=self.bias,
                    norm=self.norm,
                    rows=self.rows,
                    in_=h,
                    out=self.heads * D,
                    eps=1e-6,
                    wk=l["k"].w,
                    sk=scales(l["k"]),
                    wv=l["v"].w,
                    sv=scales(l["v"]),
                    bk=self.bias,
                    bv=self.bias,
                    r_q=self.q,
                    r_table=self.table,
                    r_kcache=c.k,
                    r_vcache=c.v,
                    r_positions=self.pos,
                    r_sequences=self.seq,
                    r_pages=c.table,
                    r_pageStride=c.table.shape[1],
                    r_heads=self.heads,
                    r_kvHeads=kv,
                    r_headDim=D,
                    r_pageSize=32,
                    kvType=2,
                ),
            )
            yield (
                "attention",
                "bf16_128",
                struct(
                    ATT,
                    dst=self.a,
                    q=self.q,
                    k=c.k,
                    v=c.v,
                    positions=self.pos,
                    sequences=self.seq,
                    pages=c.table,
                    workspace=self.ws,
                    counters=self.cnt,
                    pageStride=c.table.shape[1],
                    heads=self.heads,
                    kvHeads=kv,
                    headDim=D,
                    pageSize=32,
                    splits=self.splits,
                    scale=D**-0.5,
                    settled=1,
                ),
            )
            yield ("o",) + self.gemv(l["o"], self.x, self.a, residual=self.x)
            yield ("gate",) + self.gemv(l["g"], self.act, self.x, W2=l["u"], norm=self.norm)
            yield ("down",) + self.gemv(l["d"], self.x, self.act, residual=self.x)
        yield "norm", "norm", None
        kind, p = self.gemv(self.head, self.logits, self.y)
        if self.rows > 1:
            yield "head", kind, p
            yield "largest", "largest", None
            return
        s = struct(SEARCH, found=self.found, top=self.top, token=self.tok)
        C.memmove(C.addressof(s), C.addressof(p), C.sizeof(p))
        yield "head", "search", s

    def step(self, only=None):
        for name, kind, p in self.ops:
            if only and name not in only:
                continue
            if kind == "embed":
                launch(
                    f"zen_embed_{self.fmt}",
                    (self.rows,),
                    256,
                    0,
                    [self.x, self.head.w, self.head.scales, self.tok, self.hidden, 1.0],
                )
            elif kind == "norm":
                args = [self.y, None, self.x, None, None, None, self.norm, self.hidden, 1e-6, 1.0]
                launch("zen_rmsnorm", (self.rows,), 512, 0, args)
            elif kind == "largest":
                largest(self.largest, self.maxima, self.logits, self.rows, VOCAB)
            elif kind == "bf16_128":
                end, block = "", 128
                if self.splits == 8 and self.cluster:
                    end, block = ("_wide", 256) if self.wide else ("_cluster", 128)
                room = max(self.plan.get("attention", D * 512), block * 512)
                name, grid = "zen_attention_decode_bf16_128" + end, (self.kv, self.rows, self.splits)
                launch(name, grid, block, room, [p])
            else:
                suffix = {"gemv": "", "gated": "_swiglu", "qkv": "_qkv", "search": "_search"}[kind]
                blocks, stages, p.late = (*self.plan.get(name, (SMS, 8)), 0)[:3]
                launch(
                    gemv_name(self.rows, self.fmt) + suffix,
                    (blocks,),
                    256,
                    gemv_shared(self.rows, p.in_, self.fmt, stages),
                    [p],
                )


def plan(d):
    """Blocks and stages of each product of a decoder of one row, and attention's shared memory:
    what was fastest in a whole step on an H100 and an H200, as bench_tune found; gate of q8,
    and qkv, o and gate of q4, on an H200 alone."""
    around = lambda units: min(2 * SMS, max(SMS, units))
    qkv, o, wide = around((d.heads + 2 * d.kv) * D // 16), around(d.hidden // 16), 3 * SMS // 2
    few = qkv < 2 * SMS
    least, narrow = min(SMS, d.hidden // 16), d.hidden // 16 <= SMS
    even = d.inter // 8 / (2 * SMS)
    late = int(even) + 1 if d.hidden <= 2048 else int(0.8 * even) if even >= 6 else 0
    gate = (2 * SMS, 2 if d.hidden <= 2048 else 4, late)
    p = {
        "f16": dict(
            qkv=(qkv, 2) if few else (wide, 4),
            o=(wide if narrow else o, 4),
            gate=(SMS, 8),
            down=(SMS, 8),
            head=(SMS, 8),
        ),
        "q8": dict(
            qkv=(qkv if few else wide, 2),
            o=(least, 4),
            gate=(2 * SMS, 4),
            down=(least, 6),
            head=(SMS, 6),
        ),
        "q4": dict(
            qkv=(3 * SMS // 4 if few else wide, 2),
            o=(least, 4) if narrow else (SMS // 2, 6),
            gate=gate,
            down=(least, 6),
            head=(2 * SMS, 2),
        ),
    }
    return {**p[d.fmt], "attention": 160 * 1024}


def bench_decode():
    names = ("embed", "qkv", "attention", "o", "gate", "down", "norm", "head")
    for shape in SHAPES:
        for fmt in os.environ.get("FORMATS", "f16 q8 q4").split():
            d = Decoder(shape, fmt, 512, splits=8)
            for cluster in (False, True):
                d.plan, d.cluster = plan(d), cluster
                ms = graph_ms(d.step)
                table.append(
                    f"decode {shape:5} {fmt:5} 512 cluster={cluster} {ms:7.3f} ms {1e3 / ms:7.1f} tok/s  {d.bytes / 1e9:5.2f} GB {d.bytes / ms / 1e9:6.3f} TB/s"
                )
            alone = [
                (n, graph_ms(lambda: d.step(only=(n,)), 3) * 1e3 / sum(m == n for m, _, _ in d.ops))
                for n in names
            ]
            table.append("    us of each alone: " + "; ".join(f"{n} {t:.2f}" for n, t in alone))
            same = d.ops
            d.ops = [o if o[0] != "o" else same[3] for o in same]
            table.append(
                f"    o from the L2: {graph_ms(lambda: d.step(only=('o',)), 3) * 1e3 / d.layers:.2f}"
            )
            del d
            torch.cuda.empty_cache()


def bench_tune():
    """Searches blocks and stages in whole steps, one operation after the other."""
    for shape in SHAPES:
        for fmt in os.environ.get("FORMATS", "f16 q8 q4").split():
            d = Decoder(shape, fmt, 512, splits=8)
            tiles = dict(
                qkv=(d.heads + 2 * d.kv) * D // 16,
                o=d.hidden // 16,
                gate=d.inter // 8,
                down=d.hidden // 16,
                head=VOCAB // 16,
            )

            def time_of(p, reps=3):
                d.plan = p
                return graph_ms(d.step, reps)

            best = plan(d)
            first = fastest = time_of(best, 5)
            for name in ("attention", "down", "gate", "o", "qkv", "head"):
                if name == "attention":
                    options = [64 * 1024, 120 * 1024, 160 * 1024, 210 * 1024]
                else:
                    blocks = {SMS, min(2 * SMS, max(SMS, tiles[name]))}
                    options = [(b, s) for b in sorted(blocks) for s in (2, 4, 6, 8)]
                for o in options:
                    ms = time_of({**best, name: o})
                    if ms < fastest * 0.997:
                        fastest, best = ms, {**best, name: o}
            table.append(f"tune {shape:5} {fmt:5} {first:.3f} -> {time_of(best, 7):.3f} ms {best}")
            del d
            torch.cuda.empty_cache()


def bench_misc():
    for n in (13, 36):
        ws = [Weight("f16", 11008, 2048, keep_ref=False) for _ in range(2 * n)]
        x, nw, d = (
            torch.randn(1, 2048, device="cuda"),
            torch.randn(2048, device="cuda"),
            torch.empty(1, 11008, device="cuda"),
        )
        us = (
            graph_ms(lambda: [gemv(ws[2 * i], d, x, W2=ws[2 * i + 1], norm=nw) for i in range(n)])
            / n
            * 1e3
        )
        table.append(f"3b gate/up over {n} layers {us:8.2f} us")
        del ws
    l, i32 = (
        torch.randn(1, VOCAB, device="cuda"),
        lambda n: torch.zeros(n, dtype=torch.int32, device="cuda"),
    )
    maxima, out = i32(2048), i32(1058)
    us = graph_ms(lambda: [largest(out, maxima, l, 1, VOCAB) for _ in range(50)]) / 50 * 1e3
    table.append(f"largest {us:8.2f} us")
    a = torch.randn(2048, device="cuda")
    us = (
        graph_ms(
            lambda: [
                launch("zen_add", (2,), 256, 0, [a, a, a, C.c_int64(2048)]) for _ in range(200)
            ]
        )
        / 200
        * 1e3
    )
    table.append(f"a chain of empty kernels {us:8.2f} us")


def bench_attention():
    for length in (512, 4096, 32768):
        for heads, kv in ((16, 2), (28, 4)):
            n = max(2, min(64, int(4e8 / (length * kv * D * 4))))
            caches = [Cache([length], kv, D) for _ in range(n)]
            for c in caches:
                c.k.normal_(), c.v.normal_()
            q, dst = (
                torch.randn(1, heads, D, device="cuda"),
                torch.empty(1, heads, D, device="cuda"),
            )
            pos, seq = (
                torch.tensor([v], dtype=torch.int32, device="cuda") for v in (length - 1, 0)
            )
            for splits in (8, 16, 32, 64):
                ws, cnt = (
                    torch.empty(1, heads, splits, D + 2, device="cuda"),
                    torch.zeros(kv, dtype=torch.int32, device="cuda"),
                )

                def record():
                    for c in caches:
                        p = struct(
                            ATT,
                            dst=dst,
                            q=q,
                            k=c.k,
                            v=c.v,
                            positions=pos,
                            sequences=seq,
                            pages=c.table,
                            workspace=ws,
                            counters=cnt,
                            pageStride=c.table.shape[1],
                            heads=heads,
                            kvHeads=kv,
                            headDim=D,
                            pageSize=32,
                            splits=splits,
                            scale=D**-0.5,
                        )
                        launch("zen_attention_decode_bf16_128", (kv, 1, splits), 128, D * 512, [p])

                us = graph_ms(record) / n * 1e3
                table.append(
                    f"decode attention {heads}/{kv} {length:6} splits={splits:3} {us:8.2f} us {length * kv * D * 4 / us / 1e6:6.3f} TB/s"
                )


def bench_gemm():
    for name in ["zen_gemm_f16"] + os.environ.get("GEMMS", "").split():
        for n in (64, 512, 2048):
            for out, inn in (
                (37888, 3584),
                (3584, 18944),
                (4608, 3584),
                (3584, 3584),
                (22016, 2048),
                (2048, 11008),
            ):
                w = torch.randn(out, inn, device="cuda", dtype=torch.float16)
                x, d = (
                    torch.randn(n, inn, device="cuda", dtype=torch.float16),
                    torch.empty(n, out, device="cuda"),
                )
                d16 = torch.empty(n, out, device="cuda", dtype=torch.float16)
                p = struct(GEMM, dst=d, x=x, w=w, n=n, in_=inn, out=out, stride=out)
                from check import run_gemm

                ms = graph_ms(lambda: run_gemm(name, p))
                lib = graph_ms(lambda: torch.mm(x, w.t(), out=d16))
                f = 2 * n * out * inn / 1e9
                table.append(
                    f"{name} {n:5} x {inn:5} x {out:6} {ms * 1e3:8.1f} us {f / ms:6.1f} TFLOP/s; cuBLAS {lib * 1e3:8.1f} us {f / lib:6.1f}"
                )


def bench_qgemm():
    """A quantised weight's bytes read once, or widened in memory for cuBLAS."""
    rows_of = [int(v) for v in os.environ.get("ROWS", "8 16 32 64 96 128 192 256").split()]
    for fmt in os.environ.get("FORMATS", "q8 q4").split():
        for shape, out, inn in (
            ("3b o", 2048, 2048),
            ("3b gate", 11008, 2048),
            ("3b down", 2048, 11008),
            ("7.6b o", 3584, 3584),
            ("7.6b gate", 18944, 3584),
            ("7.6b down", 3584, 18944),
        ):
            one = Weight(fmt, out, inn, keep_ref=False)
            n = max(4, min(24, int(3e8 / one.bytes)))
            ws = [one] + [Weight(fmt, out, inn, keep_ref=False) for _ in range(n - 1)]
            wide = torch.empty(out, inn, device="cuda", dtype=torch.float16)
            for rows in rows_of:
                x = torch.randn(rows, inn, device="cuda", dtype=torch.float16)
                d = torch.empty(rows, out, device="cuda")
                d16 = torch.empty(rows, out, device="cuda", dtype=torch.float16)

                def widened():
                    for w in ws:
                        grid = min(pad(out * inn, 2048) // 2048, 16 * SMS)
                        launch(
                            f"zen_dequant_{fmt}",
                            (grid,),
                            256,
                            0,
                            [wide, w.w, w.scales, inn, out, 1.0],
                            pdl=False,
                        )
                        torch.mm(x, wide.t(), out=d16)

                new = graph_ms(lambda: [qgemm(w, d, x) for w in ws]) / n * 1e3
                old = graph_ms(widened) / n * 1e3
                table.append(
                    f"qgemm {fmt} {shape:9} rows={rows:3} {new:8.2f} us {one.bytes / new / 1e6:6.3f} TB/s "
                    f"{2e-6 * rows * out * inn / new:6.1f} TFLOP/s; widened and cuBLAS {old:8.2f} us, {old / new:.2f} times"
                )
            del ws, one, wide


def bench_prefill():
    for n, heads, kv in ((512, 28, 4), (2048, 28, 4), (8192, 28, 4), (32768, 28, 4)):
        c = Cache([n], kv, D)
        c.k.normal_(), c.v.normal_()
        q, dst = (
            torch.randn(n, heads, D, device="cuda"),
            torch.empty(n, heads, D, device="cuda", dtype=torch.bfloat16),
        )
        tiles = torch.tensor(
            [[j, min(64, n - j), 0, j] for j in reversed(range(0, n, 64))],
            dtype=torch.int32,
            device="cuda",
        )
        p = struct(
            ATT,
            dst16=dst,
            q=q,
            k=c.k,
            v=c.v,
            pages=c.table,
            tiles=tiles,
            pageStride=c.table.shape[1],
            heads=heads,
            kvHeads=kv,
            headDim=D,
            pageSize=32,
            scale=D**-0.5,
        )
        ms = graph_ms(
            lambda: launch(
                "zen_attention_prefill_bf16_128_warpgroup", (len(tiles), heads), 128, 512 * D + 1024, [p], pdl=False
            ),
            3,
        )
        table.append(
            f"prefill attention {heads}/{kv} {n:6} {ms * 1e3:9.1f} us {2 * n * n * heads * D / ms / 1e9:6.1f} TFLOP/s (causal half counted)"
        )


if __name__ == "__main__":
    c, r = copy_rate()
    table.append(
        f"{torch.cuda.get_device_name()}: copy {c:.3f} TB/s (read + write), sum {r:.3f} TB/s"
    )
    for name in sys.argv[1:] or ["gemv", "decode", "attention", "gemm", "prefill"]:
        try:
            globals()["bench_" + name]()
        except Exception as e:
            table.append(f"ERROR {name}: {e}")
    print("\n".join(table))
    out = os.environ.get("OUT")
    if out:
        open(os.path.join(out, "bench.txt"), "a").write("\n".join(table) + "\n")
