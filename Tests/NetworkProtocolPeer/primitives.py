"""The cryptography that Docs/NETWORK-PROTOCOL.md names: HKDF by Python's hmac, the rest by libsodium (Debian: python3-nacl)."""
import hashlib
import hmac

from nacl import bindings, exceptions, signing

TAG = 16


class NotAuthentic(Exception):
    """The input was not sealed with these secrets."""


def sha256(data):
    return hashlib.sha256(data).digest()


def hkdf_expand(key, info, length):
    """RFC 5869, 2.3."""
    output, block, number = b"", b"", 1
    while len(output) < length:
        block = hmac.new(key, block + info + bytes([number]), hashlib.sha256).digest()
        output += block
        number += 1
    return output[:length]


def hkdf(secret, salt, info, length):
    """RFC 5869: extract, then expand."""
    return hkdf_expand(hmac.new(salt, secret, hashlib.sha256).digest(), info, length)


def x25519_public(private):
    return bindings.crypto_scalarmult_base(private)


def x25519(private, public):
    """Raises if the result is zero."""
    return bindings.crypto_scalarmult(private, public)


def seal(key, nonce, authenticated, plain):
    return bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, authenticated, nonce, key)


def unseal(key, nonce, authenticated, sealed):
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, authenticated, nonce, key)
    except (exceptions.CryptoError, ValueError) as error:
        raise NotAuthentic("what came was not sealed with the same secrets") from error


class Identity:
    """An Ed25519 key."""

    def __init__(self, seed):
        self.key = signing.SigningKey(seed)
        self.public = bytes(self.key.verify_key)

    def sign(self, message):
        return self.key.sign(message).signature


def verify(public, message, signature):
    try:
        signing.VerifyKey(public).verify(message, signature)
        return True
    except exceptions.BadSignatureError:
        return False
