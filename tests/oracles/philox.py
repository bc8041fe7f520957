"""Philox-4x32 and our use of it, written anew in NumPy integers: the oracle of the generator."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

MASK = np.uint64(0xFFFFFFFF)


def philox_4x32(counter, key, n_rounds=7):
    """Salmon et al. (2011), figure 2, with 64-bit arithmetic throughout."""
    c = [np.asarray(w, dtype=np.uint64) for w in counter]
    k = [np.asarray(w, dtype=np.uint64) for w in key]
    for _ in range(n_rounds):
        p0 = np.uint64(0xD2511F53) * c[0]
        p1 = np.uint64(0xCD9E8D57) * c[2]
        c = [
            (p1 >> np.uint64(32)) ^ c[1] ^ k[0],
            p1 & MASK,
            (p0 >> np.uint64(32)) ^ c[3] ^ k[1],
            p0 & MASK,
        ]
        k = [(k[0] + np.uint64(0x9E3779B9)) & MASK, (k[1] + np.uint64(0xBB67AE85)) & MASK]
    return c


def standard_normal(key, row_keys, step, site, width):
    """Noise of one site for one network, of shape (n_rows, width), in float64."""
    unit = np.arange(width, dtype=np.uint64)
    rows = row_keys[:, None]
    counter = (rows & MASK, rows >> np.uint64(32), step, np.uint64(site << 24) + unit // 4)
    words = philox_4x32(counter, (key & 0xFFFFFFFF, key >> 32))
    words = np.stack(np.broadcast_arrays(*words), axis=-1)
    bits = words[:, np.arange(width), np.arange(width) % 4]
    return ndtri(((bits >> np.uint64(9)).astype(float) + 0.5) / 2**23)


def shuffled(key, row_keys, epoch):
    """The order of the rows in an epoch."""
    counter = (row_keys & MASK, row_keys >> np.uint64(32), epoch, np.uint64(0xFFFFFFFF))
    word = philox_4x32(counter, (key & 0xFFFFFFFF, key >> 32))[0]
    return np.argsort(word >> np.uint64(1), kind="stable")
