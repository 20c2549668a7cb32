"""Random numbers of nights: counter-based, so that any night can be drawn alone and in any order.

Each night has the same number of places, and each place its own use, in every night and every what-if: two campaigns with
one seed differ only by what was changed (common random numbers). Philox's counter is moved to the night; nothing depends
on who draws it.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_PER_BLOCK = 4  # numbers of 64 bits that one step of Philox's counter gives


@dataclass(frozen=True, slots=True)
class Draws:
    """The places of one night: `normals` log-normal durations (`mu`, `sigma` of the logarithm), then `uniforms` in (0, 1)."""

    seed: int
    name: str
    mu: tuple[float, ...]
    sigma: tuple[float, ...]
    uniforms: int

    def rows(self, first: int, count: int) -> list[list[float]]:
        """Of the nights `first` to `first + count - 1`, each its durations and then its uniforms."""
        normals, width = len(self.mu), len(self.mu) + self.uniforms
        blocks = -(-width // _PER_BLOCK)
        key = np.random.SeedSequence([self.seed, zlib.crc32(self.name.encode())]).generate_state(2, np.uint64)
        source = np.random.Philox(key=key)
        source.advance(first * blocks)
        raw = np.asarray(source.random_raw(count * blocks * _PER_BLOCK), dtype=np.uint64).reshape(count, blocks * _PER_BLOCK)
        drawn = ((raw[:, :width] >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
        found = np.array(drawn)
        with np.errstate(invalid="ignore"):
            found[:, :normals] = np.exp(np.array(self.mu) + np.array(self.sigma) * inverse_normal(drawn[:, :normals]))
        return found.tolist()  # type: ignore[no-any-return]


def inverse_normal(p: Floats) -> Floats:
    """Quantiles of the standard normal distribution, to 1e-15: Wichura's AS 241 (PPND16)."""
    q = p - 0.5
    r = 0.180625 - q * q
    found = np.asarray(q * _ratio(r, _A, _B))
    tail = np.abs(q) > 0.425
    if tail.any():
        t = q[tail]
        away = np.sqrt(-np.log(np.where(t < 0, p[tail], 1 - p[tail])))
        near = _ratio(away - 1.6, _C, _D)
        far = _ratio(away - 5.0, _E, _F)
        found[tail] = np.sign(t) * np.where(away <= 5.0, near, far)
    return found


def _ratio(x: Floats, above: tuple[float, ...], below: tuple[float, ...]) -> Floats:
    top, bottom = np.full_like(x, above[-1]), np.full_like(x, below[-1])
    for a, b in zip(above[-2::-1], below[-2::-1], strict=True):
        top = top * x + a
        bottom = bottom * x + b
    return np.asarray(top / bottom)


_A = (
    3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4, 4.5921953931549871457e4,
    6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3,
)  # fmt: skip
_B = (
    1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3, 2.1213794301586595867e4,
    3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3,
)  # fmt: skip
_C = (
    1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504, 1.27045825245236838258,
    2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4,
)  # fmt: skip
_D = (
    1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
    1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9,
)  # fmt: skip
_E = (
    6.65790464350110377720, 5.46378491116411436990, 1.78482653991729133580, 2.96560571828504891230e-1, 2.65321895265761230930e-2,
    1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7,
)  # fmt: skip
_F = (
    1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
    1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15,
)  # fmt: skip
