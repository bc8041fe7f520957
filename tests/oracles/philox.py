"""Philox-4x32 and our use of it, written anew in NumPy integers: the oracle of the generator."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import ndtri

MASK = np.uint64(0xFFFFFFFF)

# Of the distributions with mean 0 and variance 1.
QUANTILES = {
    "gaussian": ndtri,
    "uniform": stats.uniform(-(3**0.5), 12**0.5).ppf,
    "laplace": stats.laplace(scale=0.5**0.5).ppf,
}


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


def words(key, row_keys, step, site, width):
    """Random words of one site for one network, of shape (n_rows, width)."""
    unit = np.arange(width, dtype=np.uint64)
    rows = row_keys[:, None]
    counter = (rows & MASK, rows >> np.uint64(32), step, np.uint64(site << 20) + unit // 4)
    blocks = philox_4x32(counter, (int(key) & 0xFFFFFFFF, int(key) >> 32))
    blocks = np.stack(np.broadcast_arrays(*blocks), axis=-1)
    return blocks[:, np.arange(width), np.arange(width) % 4]


def noise(distribution, *place):
    """Draws of mean 0 and variance 1: quantiles of the midpoints of 2**23 cells."""
    return QUANTILES[distribution](((words(*place) >> np.uint64(9)) + 0.5) / 2**23)


def fractions(*place):
    """Draws from 0 to below 1."""
    return (words(*place) >> np.uint64(8)) / 2**24


def shuffled(key, row_keys, epoch):
    """The order of the rows in an epoch."""
    counter = (row_keys & MASK, row_keys >> np.uint64(32), epoch, np.uint64(0xFFFFFFFF))
    word = philox_4x32(counter, (int(key) & 0xFFFFFFFF, int(key) >> 32))[0]
    return np.argsort(word >> np.uint64(1), kind="stable")
