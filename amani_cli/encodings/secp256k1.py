"""The public half of ECDSA on secp256k1: check a signature, or recover the key that made it.

Only public values pass through here (an invoice, its signature, its payee), so nothing has to run in constant
time, and plain integers do: a binding to libsecp256k1 takes longer to import than this takes to answer, and
would be one more compiled wheel to find for every platform. amani itself never signs anything.

The curve's parameters: https://www.secg.org/sec2-v2.pdf, 2.4.1. The arithmetic: https://www.secg.org/sec1-v2.pdf,
4.1.4 (verification) and 4.1.6 (recovery).
"""

from __future__ import annotations

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
GX = 0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798
GY = 0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8

Point = tuple[int, int]
# Jacobian coordinates (X, Y, Z) stand for the point (X/Z², Y/Z³) and spare a division at every step; Z = 0 is
# the point at infinity.
_Jacobian = tuple[int, int, int]
_INFINITY: _Jacobian = (1, 1, 0)


def decode_point(key: bytes) -> Point | None:
    """Return the point of a 33-byte compressed public key, or None when there is no such point."""
    if len(key) != 33 or key[0] not in (2, 3):
        return None
    return _lift(int.from_bytes(key[1:], "big"), odd=key[0] == 3)


def encode_point(point: Point) -> bytes:
    """Return `point` as a 33-byte compressed public key."""
    x, y = point
    return bytes([2 + (y & 1)]) + x.to_bytes(32, "big")


def verify(digest: bytes, r: int, s: int, key: Point) -> bool:
    """Tell whether (r, s) is a signature of `digest` (32 bytes) by `key`. A high `s` is valid here."""
    if not (0 < r < N and 0 < s < N):
        return False
    z = int.from_bytes(digest, "big")
    inverse = pow(s, -1, N)
    point = _affine(_combine(z * inverse % N, r * inverse % N, key))
    return point is not None and point[0] % N == r


def recover(digest: bytes, r: int, s: int, recovery_id: int) -> Point | None:
    """Return the key whose signature of `digest` (32 bytes) is (r, s), or None when no key is.

    `recovery_id` is 0 to 3: its low bit tells whether the nonce's y was odd, the next whether its x was above
    the order N.
    """
    if not (0 < r < N and 0 < s < N and 0 <= recovery_id <= 3):
        return None
    nonce = _lift(r + (N if recovery_id & 2 else 0), odd=bool(recovery_id & 1))
    if nonce is None:
        return None
    z = int.from_bytes(digest, "big")
    inverse = pow(r, -1, N)
    return _affine(_combine(-z * inverse % N, s * inverse % N, nonce))


def multiply(scalar: int, point: Point = (GX, GY)) -> Point | None:
    """Return `scalar` times `point`, or None for the point at infinity. Not for secrets: its time tells."""
    return _affine(_combine(0, scalar % N, point))


def _lift(x: int, odd: bool) -> Point | None:
    if not 0 <= x < P:
        return None
    square = (x * x * x + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    return (x, y if (y & 1) == odd else P - y)


def _affine(point: _Jacobian) -> Point | None:
    x, y, z = point
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    squared = inverse * inverse % P
    return x * squared % P, y * squared * inverse % P


def _double(point: _Jacobian) -> _Jacobian:
    x, y, z = point
    if z == 0 or y == 0:
        return _INFINITY
    y_squared = y * y % P
    a = 4 * x * y_squared % P
    b = 3 * x * x % P
    x_out = (b * b - 2 * a) % P
    return x_out, (b * (a - x_out) - 8 * y_squared * y_squared) % P, 2 * y * z % P


def _add(left: _Jacobian, right: _Jacobian) -> _Jacobian:
    x1, y1, z1 = left
    x2, y2, z2 = right
    if z1 == 0:
        return right
    if z2 == 0:
        return left
    z1_squared, z2_squared = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2_squared % P, x2 * z1_squared % P
    s1, s2 = y1 * z2_squared * z2 % P, y2 * z1_squared * z1 % P
    if u1 == u2:
        return _double(left) if s1 == s2 else _INFINITY
    h, slope = u2 - u1, s2 - s1
    h_squared = h * h % P
    h_cubed, v = h_squared * h % P, u1 * h_squared % P
    x_out = (slope * slope - h_cubed - 2 * v) % P
    return x_out, (slope * (v - x_out) - s1 * h_cubed) % P, h * z1 * z2 % P


def _combine(base_scalar: int, scalar: int, point: Point) -> _Jacobian:
    """Return base_scalar·G + scalar·point, walking the bits of both at once."""
    base: _Jacobian = (GX, GY, 1)
    other: _Jacobian = (*point, 1)
    both = _add(base, other)
    total = _INFINITY
    for bit in range(max(base_scalar.bit_length(), scalar.bit_length()) - 1, -1, -1):
        total = _double(total)
        picked = (base_scalar >> bit & 1) + 2 * (scalar >> bit & 1)
        if picked:
            total = _add(total, (base, other, both)[picked - 1])
    return total
