# SPDX-License-Identifier: Apache-2.0
"""Checks every kernel against float64 references on fresh random data."""

import itertools
import sys

import torch

from zenlib import *

torch.manual_seed(int.from_bytes(os.urandom(4), "little"))
results = []


def report(name, e, bound):
    good = e <= bound
    results.append((name, e, bound, good))
    if not good:
        print(f"FAIL {name}: {e:.3g} > {bound:.3g}")


def alike(name, a, b):
    """The same bits."""
    n = {4: torch.int32, 2: torch.int16}[a.element_size()]
    report(name, float((a.view(n) != b.view(n)).sum()), 0)


def fresh(*shape):
    return torch.randn(*shape, device="cuda")


def poison(*shape, dtype=torch.float32):
    return torch.full(shape, float("nan"), device="cuda", dtype=dtype)


def rms(x, w, eps=1e-6):
    x = x.double()
    return x / (x.pow(2).mean(-1, keepdim=True) + eps).sqrt() * w.double()


def guard(name, f):
    try:
        f()
        torch.cuda.synchronize()
    except Exception as e:
        print("ERROR", name, e)
        results.append((name, float("nan"), 0, False))
        if "CUDA" in str(e):
            summary()
            sys.exit(1)


# Relative errors of a product by zen_gemv: where weights are quantised, x has 16 bits below the
# largest of its block.
NEAR = {"f16": 1e-6, "q8": 6e-5, "q4": 6e-5}


def check_gemv():
    for fmt in ("f16", "q8", "q4"):
        for out, inn in (
            (2048, 2048),
            (37, 3584),
            (2048, 11008),
            (5, 40),
            (1000, 200),
            (16, 64),
            (3584, 18944),
            (131, 72),
        ):
            W, W2 = Weight(fmt, out, inn), Weight(fmt, out, inn)
            for rows in (1, 2, 3, 4, 5, 8):
                if gemv_shared(rows, inn, fmt) > 226 * 1024:
                    continue
                x, nw, bias, res = fresh(rows, inn), fresh(inn), fresh(out), fresh(rows, out)
                want = x.double() @ W.ref.double().T
                d = poison(rows, out)
                gemv(W, d, x)
                report(f"gemv {fmt} {out}x{inn} rows={rows}", err(d, want), NEAR[fmt])
                last = x[rows - 1 :]
                if rows == 1:
                    check_search(fmt, W, last)
                d1 = poison(1, out)
                gemv(W, d1, last, grid=7, stages=2)
                alike(f"gemv {fmt} {out}x{inn} rows={rows} alone", d1[0], d[-1])
                d = res.clone()
                gemv(W, d, x, bias=bias, residual=d)
                report(
                    f"gemv {fmt} {out}x{inn} rows={rows} bias residual",
                    err(d, want + bias + res),
                    NEAR[fmt],
                )
                d1 = res[rows - 1 :].clone()
                gemv(W, d1, last, bias=bias, residual=d1)
                alike(f"gemv {fmt} {out}x{inn} rows={rows} bias residual alone", d1[0], d[-1])
                d = poison(rows, out)
                gemv(W, d, x, W2=W2, norm=nw)
                n = rms(x, nw)
                g, u = n @ W.ref.double().T, n @ W2.ref.double().T
                report(
                    f"gemv {fmt} {out}x{inn} rows={rows} swiglu",
                    err(d, g * torch.sigmoid(g) * u),
                    2.5 * NEAR[fmt] if fmt[0] == "q" else 5e-5,
                )
                d1 = poison(1, out)
                gemv(W, d1, last, W2=W2, norm=nw)
                alike(f"gemv {fmt} {out}x{inn} rows={rows} swiglu alone", d1[0], d[-1])
                if fmt == "f16" or rows > 1:
                    continue
                tiles = (out + 7) // 8
                for grid, late in ((2, 1), (6, 1), (6, 4), (10, 2), (2 * SMS, 1), (2 * SMS, 6)):
                    if late * grid // 2 < tiles:
                        d1 = poison(1, out)
                        gemv(W, d1, last, W2=W2, norm=nw, grid=grid, late=late)
                        alike(f"gemv {fmt} {out}x{inn} swiglu late {late} of {grid}", d1[0], d[-1])


def check_search(fmt, W, x):
    """The product that searches its result, again and again, and with NaN and infinities."""
    top, token = (torch.zeros(4, dtype=torch.int32, device="cuda") for _ in "ab")
    for case in ("", "", "equal", "nan", "inf", "-inf"):
        y, bias = x.clone(), torch.zeros(W.out, device="cuda")
        if case == "equal":
            y.zero_()
        elif case:
            bias[W.out // 2 :] = float(case)
        if case == "-inf":
            bias[:] = float(case)
        want, d = poison(1, W.out), poison(1, W.out)
        gemv(W, want, y, bias=bias)
        found = torch.full((2,), -1, dtype=torch.int32, device="cuda")
        p = struct(SEARCH, dst=d, x=y, w=W.w, bias=bias, rows=1, in_=W.inn, out=W.out)
        p.scales = W.scales.data_ptr() if W.scales is not None else 0
        p.found, p.top, p.token = found.data_ptr(), top.data_ptr(), token.data_ptr()
        launch(f"zen_gemv_{fmt}_search", (9,), 256, gemv_shared(1, W.inn, fmt, 2), [p])
        at = -2 if case in ("nan", "inf", "-inf") else int(want.argmax())
        if case == "equal":
            at = 0
        got, value = found.tolist()[0], found.view(torch.float32)[1].item()
        fine = got == at and token[0].item() == max(at, 0) and top.abs().sum().item() == 0
        fine &= at < 0 or value == want[0, at].item()
        report(f"search {fmt} {W.out} {case}", 0.0 if fine else 1.0, 0)
        alike(f"search {fmt} {W.out} {case} product", d[0].nan_to_num(7), want[0].nan_to_num(7))


def rotary_table(n, d):
    a = torch.arange(n).double()[:, None] * (1e6 ** (-torch.arange(0, d, 2).double() / d))
    return torch.cat([a.cos(), a.sin()], 1).float().cuda()


def rotate(x, table, pos):
    h = x.shape[-1] // 2
    c, s = table[pos, None, :h].double(), table[pos, None, h:].double()
    a, b = x[..., :h].double(), x[..., h:].double()
    return torch.cat([a * c - b * s, b * c + a * s], -1)


def check_qkv():
    for fmt, rows in itertools.product(("f16", "q8", "q4"), (4, 7)):
        for heads, kv, d, hidden, dtype in (
            (16, 2, 128, 2048, torch.bfloat16),
            (28, 4, 128, 3584, torch.float16),
            (4, 2, 32, 128, torch.float32),
            (6, 6, 48, 200, torch.bfloat16),
        ):
            lengths = [40, 33, 7, 90, 64, 12, 5][:rows]
            cache = Cache(lengths, kv, d, dtype)
            q, k, v = (
                Weight(fmt, heads * d, hidden),
                Weight(fmt, kv * d, hidden),
                Weight(fmt, kv * d, hidden),
            )
            bq, bk, bv = fresh(heads * d), fresh(kv * d), fresh(kv * d)
            x, nw, table = fresh(rows, hidden), fresh(hidden), rotary_table(128, d)
            at = [39, 32, -1, 77, 63, 11, 4][:rows]
            pos = torch.tensor(at, dtype=torch.int32, device="cuda")
            seq = torch.arange(rows, dtype=torch.int32, device="cuda")
            qo = poison(rows, heads, d)
            p = struct(
                QKV,
                x=x,
                w=q.w,
                bias=bq,
                norm=nw,
                rows=rows,
                in_=hidden,
                out=heads * d,
                eps=1e-6,
                wk=k.w,
                wv=v.w,
                bk=bk,
                bv=bv,
                r_q=qo,
                r_table=table,
                r_kcache=cache.k,
                r_vcache=cache.v,
                r_positions=pos,
                r_sequences=seq,
                r_pages=cache.table,
                r_pageStride=cache.table.shape[1],
                r_heads=heads,
                r_kvHeads=kv,
                r_headDim=d,
                r_pageSize=32,
                kvType={torch.float32: 0, torch.float16: 1, torch.bfloat16: 2}[dtype],
            )
            if q.scales is not None:
                p.scales, p.sk, p.sv = q.scales.data_ptr(), k.scales.data_ptr(), v.scales.data_ptr()
            launch(gemv_name(rows, fmt) + "_qkv", (SMS,), 256, gemv_shared(rows, hidden, fmt), [p])
            n = rms(x, nw)
            proj = lambda W, b: (n @ W.ref.double().T + b.double()).view(rows, -1, d)
            live = [r for r in range(rows) if r != 2]
            lp = pos.long()[live]
            tag = f"qkv {fmt} {heads}/{kv}x{d} rows={rows}"
            report(tag + " q", err(qo[live], rotate(proj(q, bq)[live], table, lp)), NEAR[fmt])
            report(tag + " padding row untouched", float((~qo[2].isnan()).sum()), 0)
            at = cache.table[torch.tensor(live), (lp // 32).cpu()].long()
            bound = {torch.float32: NEAR[fmt], torch.float16: 6e-4, torch.bfloat16: 4e-3}[dtype]
            report(
                tag + " k",
                err(cache.k[at, :, lp % 32], rotate(proj(k, bk)[live], table, lp)),
                bound,
            )
            report(tag + " v", err(cache.v[at, :, lp % 32], proj(v, bv)[live]), bound)
            report(
                tag + " other slots untouched",
                float((~cache.k.isnan()).sum() - len(live) * kv * d),
                0,
            )
            # The rows alone, by the kernel of one row.
            k1, v1, q1 = cache.k.clone(), cache.v.clone(), poison(rows, heads, d)
            cache.k.fill_(float("nan")), cache.v.fill_(float("nan"))
            for i in live:
                p.rows, p.x, p.r_q = 1, x[i].data_ptr(), q1[i].data_ptr()
                p.r_positions, p.r_sequences = pos[i:].data_ptr(), seq[i:].data_ptr()
                shared = gemv_shared(1, hidden, fmt)
                launch(gemv_name(1, fmt) + "_qkv", (SMS,), 256, shared, [p])
                torch.cuda.synchronize()
            alike(tag + " q alone", q1[live], qo[live])
            alike(tag + " k alone", cache.k, k1)
            alike(tag + " v alone", cache.v, v1)


DECODES = (
    ([512, 1, 33, 700], 16, 2, 0, 32),
    ([300, 16, 17], 28, 4, 0, 32),
    ([5], 4, 4, 0, 16),
    ([129, 64], 40, 2, 0, 32),
    ([500, 90, 3], 16, 2, 70, 32),
    ([5000], 16, 2, 0, 32),
)
PREFILLS = (
    ([(130, 130), (5, 90), (64, 300)], 16, 2, 0),
    ([(200, 200)], 14, 2, 50),
    ([(1, 1), (64, 64)], 4, 4, 0),
)


def check_decode(cases=DECODES):
    for dtype, d in itertools.product((torch.float16, torch.bfloat16), (64, 128)):
        name = {torch.float16: "f16", torch.bfloat16: "bf16"}[dtype]
        for lengths, heads, kv, window, page in cases:
            cache = Cache(lengths, kv, d, dtype, page)
            rows = len(lengths)
            for i, l in enumerate(lengths):
                cache.fill(i, l)
            q = fresh(rows + 1, heads, d)
            pos = torch.tensor([l - 1 for l in lengths] + [-1], dtype=torch.int32, device="cuda")
            seq = torch.tensor(list(range(rows)) + [0], dtype=torch.int32, device="cuda")
            chunks = (heads // kv + 15) // 16
            for splits in (1, 4, 16):
                ws, cnt = (
                    poison(rows + 1, heads, splits, d + 2),
                    torch.zeros((rows + 1) * kv * chunks, dtype=torch.int32, device="cuda"),
                )
                dst, dst16 = (
                    poison(rows + 1, heads, d),
                    poison(rows + 1, heads, d, dtype=torch.bfloat16),
                )
                p = struct(
                    ATT,
                    dst=dst,
                    dst16=dst16,
                    q=q,
                    k=cache.k,
                    v=cache.v,
                    positions=pos,
                    sequences=seq,
                    pages=cache.table,
                    workspace=ws,
                    counters=cnt,
                    pageStride=cache.table.shape[1],
                    heads=heads,
                    kvHeads=kv,
                    headDim=d,
                    pageSize=page,
                    window=window,
                    splits=splits,
                    scale=d**-0.5,
                )
                launch(
                    f"zen_attention_decode_{name}_{d}",
                    (kv * chunks, rows + 1, splits),
                    128,
                    d * 512,
                    [p],
                )
                want = torch.stack(
                    [
                        attention_ref(q[i], *cache.read(i, l), l - 1, d**-0.5, window)
                        for i, l in enumerate(lengths)
                    ]
                )
                tag = f"decode {name} {heads}/{kv}x{d} {lengths} window={window} splits={splits}"
                report(tag, err(dst[:rows], want), {"f16": 1.5e-3, "bf16": 1e-2}[name])
                report(tag + " padding is zero", float((dst[rows] != 0).sum()), 0)
                report(tag + " counters", float((cnt != 0).sum()), 0)
                dst.fill_(float("nan"))
                if splits == 4:
                    p.splits, p.settled = 8, 1
                    for end, warps in (("cluster", 4), ("wide", 8)):
                        launch(
                            f"zen_attention_decode_{name}_{d}_{end}",
                            (kv * chunks, rows + 1, 8),
                            32 * warps,
                            d * 128 * warps,
                            [p],
                        )
                        report(
                            f"{tag} {end}",
                            err(dst[:rows], want),
                            {"f16": 1.5e-3, "bf16": 1e-2}[name],
                        )
                        report(f"{tag} {end} padding is zero", float((dst[rows] != 0).sum()), 0)
                        dst.fill_(float("nan"))
                    launch(f"zen_attention_{name}", (heads, rows + 1), 128, 0, [p])
                    report(tag + " generic", err(dst[:rows], want), 1e-5)


def check_prefill(cases=PREFILLS):
    for dtype, d in itertools.product((torch.float16, torch.bfloat16), (64, 128)):
        name = {torch.float16: "f16", torch.bfloat16: "bf16"}[dtype]
        for seqs, heads, kv, window in cases:
            lengths = [l for _, l in seqs]
            cache = Cache(lengths, kv, d, dtype)
            rows = sum(r for r, _ in seqs)
            q, tiles, want, row = fresh(rows, heads, d), [], [], 0
            for i, (r, l) in enumerate(seqs):
                cache.fill(i, l)
                k, v = cache.read(i, l)
                for j in range(0, r, 64):
                    tiles.append([row + j, min(64, r - j), i, l - r + j])
                want += [
                    attention_ref(q[row + j], k, v, l - r + j, d**-0.5, window) for j in range(r)
                ]
                row += r
            t = torch.tensor(tiles, dtype=torch.int32, device="cuda")
            for end in ("", "_warpgroup")[: 2 if d == 128 else 1]:
                dst, dst16 = poison(rows, heads, d), poison(rows, heads, d, dtype=torch.bfloat16)
                p = struct(
                    ATT,
                    dst=dst,
                    dst16=dst16,
                    q=q,
                    k=cache.k,
                    v=cache.v,
                    pages=cache.table,
                    tiles=t,
                    pageStride=cache.table.shape[1],
                    heads=heads,
                    kvHeads=kv,
                    headDim=d,
                    pageSize=32,
                    window=window,
                    scale=d**-0.5,
                )
                launch(
                    f"zen_attention_prefill_{name}_{d}{end}",
                    (len(tiles), heads),
                    128,
                    512 * d + (1024 if end else 0),
                    [p],
                    pdl=False,
                )
                tag = f"prefill{end} {name} {heads}/{kv}x{d} {seqs} window={window}"
                report(tag, err(dst, torch.stack(want)), {"f16": 1.5e-3, "bf16": 1e-2}[name])
                report(tag + " bf16 out", err(dst16, torch.stack(want)), 1e-2)


def check_gemm():
    for name in ["zen_gemm_f16"] + os.environ.get("GEMMS", "").split():
        for n, inn, out in (
            (128, 64, 128),
            (200, 2048, 300),
            (1, 72, 5),
            (513, 3584, 1024),
            (130, 200, 131),
            (64, 18944, 256),
        ):
            W = Weight("f16", out, inn)
            x, bias, res = fresh(n, inn) * 3e4, fresh(out), fresh(n, out)
            x16, rs = poison(n, inn, dtype=torch.float16), poison(n)
            launch("zen_convert_f16", (n,), 256, 0, [x16, rs, x, inn, 1.0])
            ref = x16.double() * rs[:, None].double()
            report(f"convert_f16 {n}x{inn}", err(ref, x), 3e-4)
            plain = poison(n, inn, dtype=torch.float16)
            launch("zen_convert_f16", (n,), 256, 0, [plain, None, x, inn, 0.125])
            report(f"convert_f16 {n}x{inn} unit", float((plain != (x / 8).half()).sum()), 0)
            dst = res.clone()
            p = struct(
                GEMM,
                dst=dst,
                x=x16,
                w=W.w,
                bias=bias,
                residual=dst,
                n=n,
                in_=inn,
                out=out,
                stride=out,
            )
            p.rowScale, p.alpha = rs.data_ptr(), 0.25
            run_gemm(name, p)
            want = ref @ W.ref.double().T / 4 + bias + res
            report(f"{name} {n}x{inn}x{out}", err(dst, want), 4e-5)
            half = poison(n, out, dtype=torch.float16)
            p.dst, p.half, p.residual, p.alpha = half.data_ptr(), 1, None, 2.0**-20
            run_gemm(name, p)
            want = ref @ W.ref.double().T * 2.0**-20 + bias
            report(f"{name} {n}x{inn}x{out} f16 out", err(half, want), 4e-4)


def run_gemm(name, p):
    launch(name, ((p.out + 127) // 128, (p.n + 127) // 128), 256, 98304, [p], pdl=False)


def check_qgemm(
    shapes=((1000, 520), (129, 9000), (4608, 3584), (64, 64), (5, 8), (3584, 18944), (2048, 200)),
    rows=(1, 8, 9, 13, 16, 17, 32, 50, 64, 65, 100, 128),
):
    for fmt in ("q8", "q4"):
        for out, inn in shapes:
            W = Weight(fmt, out, inn)
            for n in rows:
                x, bias, res = fresh(n, inn).half(), fresh(out), fresh(n, out + 3)
                product = x.double() @ W.ref.double().T
                tag = f"qgemm {fmt} {out}x{inn} rows={n}"
                d = poison(n, out)
                qgemm(W, d, x)
                report(tag, err(d, product), 2e-6)
                again = poison(n, out)
                qgemm(W, again, x)
                report(tag + " twice the same", float((d != again).sum()), 0)
                d, rs = res.clone(), torch.rand(n, device="cuda") + 0.5
                qgemm(W, d, x, bias=bias, residual=d, row_scale=rs, alpha=0.5)
                report(
                    tag + " scales bias residual stride",
                    err(d[:, :out], product * rs[:, None].double() / 2 + bias + res[:, :out]),
                    2e-6,
                )
                report(tag + " beside", float((d[:, out:] != res[:, out:]).sum()), 0)
                report(tag + " counters", float((parts["counters"] != 0).sum()), 0)


def check_simple():
    for n, inn, out in ((1, 1, 1), (3, 70, 9), (129, 64, 130), (65, 1023, 67)):
        for fmt in ("f32", "f16", "bf16"):
            W, x, b, r = Weight(fmt, out, inn), fresh(n, inn), fresh(out), fresh(n, out)
            d = poison(n, out)
            launch(
                f"zen_matmul_{fmt}",
                ((out + 63) // 64, (n + 63) // 64),
                256,
                0,
                [d, x, W.w, b, r, n, inn, out],
                pdl=False,
            )
            report(
                f"matmul {fmt} {n}x{inn}x{out}", err(d, x.double() @ W.ref.double().T + b + r), 1e-6
            )
    for fmt in ("f32", "f16", "bf16", "q8", "q4"):
        for hidden in (64, 200, 2048, 3584):
            W = Weight(fmt, 97, hidden)
            tok = torch.randint(0, 97, (11,), device="cuda", dtype=torch.int32)
            d = poison(11, hidden)
            scale = 1 if fmt[0] == "q" else 0.5
            launch(f"zen_embed_{fmt}", (11,), 256, 0, [d, W.w, W.scales, tok, hidden, float(scale)])
            report(f"embed {fmt} {hidden}", err(d, W.ref[tok.long()] * scale), 1e-7)
            if fmt in ("q8", "q4"):
                y = poison(97, hidden, dtype=torch.float16)
                launch(
                    f"zen_dequant_{fmt}",
                    (40,),
                    256,
                    0,
                    [y, W.w, W.scales, hidden, 97, 64.0],
                    pdl=False,
                )
                report(f"dequant {fmt} {hidden}", err(y, W.ref * 64), 4e-4)
    q = torch.randint(-128, 128, (35, 192), device="cuda", dtype=torch.int8)
    s = torch.rand(35, 3, device="cuda").half()
    w8, s8 = (
        torch.zeros(35, 256, device="cuda", dtype=torch.uint8),
        poison(35, 4, dtype=torch.float16),
    )
    launch("zen_repack_i8", (4, 3), 256, 0, [w8, s8, q, s, 192, 35, 0], pdl=False)
    tok = torch.arange(35, device="cuda", dtype=torch.int32)
    d = poison(35, 192)
    launch("zen_embed_q8", (35,), 256, 0, [d, w8, s8, tok, 192, 1.0])
    report("repack_i8", err(d, q.float() * s.float().repeat_interleave(64, 1)), 1e-7)
    for rows, hidden in ((5, 33), (3, 2048), (4, 5121), (2, 18944)):
        x, r, w = fresh(rows, hidden), fresh(rows, hidden), fresh(hidden)
        x0, d, d16 = x.clone(), poison(rows, hidden), poison(rows, hidden, dtype=torch.float16)
        rs, b = torch.rand(rows, device="cuda"), fresh(hidden)
        sum = x0.double() + rs[:, None].double() * r + b
        launch("zen_rmsnorm", (rows,), 512, 0, [d, d16, x, r, rs, b, w, hidden, 1e-6, 8.0])
        report(f"rmsnorm {hidden}", err(d, rms(sum, w)), 1e-6)
        report(f"rmsnorm {hidden} x", err(x, sum), 1e-7)
        report(f"rmsnorm {hidden} f16", err(d16, rms(sum, w) * 8), 4e-4)
        again = poison(rows, hidden)
        launch("zen_rmsnorm", (rows,), 512, 0, [again, None, x, None, None, None, w, hidden, 1e-6, 1.0])
        alike(f"rmsnorm {hidden} alone", again, d)
        n = rows * hidden
        g, u, d = fresh(n), fresh(n), poison(n)
        launch("zen_swiglu", ((n + 1023) // 1024,), 256, 0, [d, g, u, C.c_int64(n)])
        report(f"swiglu {n}", err(d, g.double() * torch.sigmoid(g.double()) * u), 1e-6)
        launch("zen_add", ((n + 1023) // 1024,), 256, 0, [d, g, u, C.c_int64(n)])
        report(f"add {n}", err(d, g + u), 1e-9)
        o = torch.tensor([rows - 1, 0], dtype=torch.int32, device="cuda")
        d = poison(2, hidden)
        launch("zen_select_rows", (2,), 256, 0, [d, x, o, hidden])
        report("select_rows", err(d, x[o.long()]), 0)
    for rows, inner in ((3, 8), (5, 200), (2, 18944), (3, 40000)):
        for dtype, name in ((torch.float32, "f32"), (torch.float16, "f16")):
            g, u = (4 * fresh(rows, inner)).to(dtype), (8 * fresh(rows, inner)).to(dtype)
            d, rs = poison(rows, inner, dtype=torch.float16), poison(rows)
            launch(f"zen_swiglu_rows_{name}", (rows,), 512, 0, [d, rs, g, u, inner, 0.25, 1e5])
            want = g.double() / 4 * torch.sigmoid(g.double() / 4) * (u.double() * 1e5)
            report(f"swiglu_rows {name} {inner}", err(d.double() * rs[:, None], want), 4e-4)
            top = d.float().abs().max(1).values
            report(f"swiglu_rows {name} {inner} range", float(((top < 2**14) | (top > 2**15)).sum()), 0)
    # 2^-31 of the largest is exact, as is what lies between; less is rounded.
    for shape, scale in (((64, 200), 0.02), ((3, 8), 1e30), ((1000, 264), 1e-30)):
        w = (fresh(*shape) * scale).bfloat16()
        w[0, :4] = torch.tensor([1, -1, 2.0**-31, 2.0**-45]) * w.abs().max().item()
        top = torch.zeros(1, dtype=torch.int32, device="cuda")
        half, n = w.clone(), w.numel()
        half[1, 3] = float("inf")
        launch("zen_largest_16", (7,), 256, 0, [top, half, C.c_int64(n), 0x7F80], pdl=False)
        bits = w.abs().max().reshape(1).view(torch.int16).item()
        report(f"largest_16 {scale}", float(top.item() != bits), 0)
        half[1, 3] = w[1, 3]
        launch("zen_halve", (7,), 256, 0, [half, top, C.c_int64(n)], pdl=False)
        back = half.view(torch.float16).double() * 2.0 ** ((bits >> 7) - 141)
        report(f"halve {scale}", float((back != w.double())[w.abs() >= w.abs().max() * 2.0**-31].sum()), 0)
        least = (back - w.double()).abs().max() / w.double().abs().max()
        report(f"halve {scale} rest", least.item(), 2.0**-40)


def check_small():
    """One small case of each kernel, for compute-sanitizer."""
    for fmt, rows in itertools.product(("f16", "q8", "q4"), (1, 2, 7)):
        W, W2, x, nw = Weight(fmt, 40, 264), Weight(fmt, 40, 264), fresh(rows, 264), fresh(264)
        d = poison(rows, 40)
        gemv(W, d, x, W2=W2, norm=nw, grid=3)
        gemv(W, d, x, grid=2)
        report(f"gemv {fmt}", err(d, x.double() @ W.ref.double().T), NEAR[fmt])
        if rows == 1:
            check_search(fmt, W, x)
    check_qgemm(((200, 520),), (3, 16, 20, 70))
    check_decode((([70, 5], 8, 2, 0, 32),))
    check_prefill((([(70, 70), (5, 40)], 4, 2, 0),))


def summary():
    bad = [r for r in results if not r[3]]
    print(f"{len(results)} checks, {len(bad)} wrong")
    groups = {}
    for name, e, b, _ in results:
        k = " ".join(name.split()[:2])
        groups[k] = max(groups.get(k, 0), e if e == e else float("inf"))
    print("largest error:", {k: float(f"{v:.2g}") for k, v in groups.items() if v})


if __name__ == "__main__":
    for name in sys.argv[1:] or ["simple", "gemv", "qkv", "decode", "prefill", "gemm", "qgemm"]:
        guard(name, globals()["check_" + name])
    summary()
