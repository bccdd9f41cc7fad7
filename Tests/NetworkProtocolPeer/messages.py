"""Messages in bincode, JSON and MessagePack (Docs/NETWORK-PROTOCOL.md, Messages and Formats)."""
import json
import struct

import msgpack

BINCODE, JSON, MESSAGEPACK = 1, 2, 3
FORMATS = {"bincode": BINCODE, "json": JSON, "messagepack": MESSAGEPACK}

# In the order of their numbers: fields with name and kind; one without a name stands alone.
TABLE = [
    ("Ping", []),
    ("Pong", []),
    ("SecureHandshakeInit", [("pub_key", 32), ("timestamp", "u64"), ("nonce", 16)]),
    ("SecureHandshakeResponse", [("pub_key", 32), ("nonce", 16), ("challenge", "bytes")]),
    ("SecureHandshakeConfirm", [("challenge", "bytes")]),
    ("Echo", [(None, "text")]),
    ("Disconnect", []),
    ("Custom", [("command", "text"), ("payload", "bytes")]),
    ("Data", [(None, "bytes")]),
    ("Unknown", []),
    ("Request", [("id", "u64"), ("command", "text"), ("payload", "bytes")]),
    ("Response", [("id", "u64"), ("payload", "bytes")]),
    ("Failure", [("id", "u64"), ("code", "u32"), ("reason", "text")]),
]
FIELDS = dict(TABLE)
INTEGERS = {"u64": "<Q", "u32": "<I"}


class WrongMessage(Exception):
    pass


# A message is a tuple: its name, then its fields in the table's order.


def encode(message, format, marked=False):
    """The payload; `marked` puts the format byte before bincode, too."""
    if format == BINCODE:
        return (b"\x01" if marked else b"") + encode_bincode(message)
    write = encode_json if format == JSON else encode_messagepack
    return bytes([format]) + write(message)


def decode(payload):
    """The message and its format."""
    if not payload:
        raise WrongMessage("an empty payload")
    if payload[0] == BINCODE and len(payload) > 4:
        return decode_bincode(payload[1:]), BINCODE
    if payload[0] in (JSON, MESSAGEPACK) and len(payload) > 1 and payload[1] != 0:
        read = json.loads if payload[0] == JSON else msgpack.unpackb
        return from_tree(read(payload[1:])), payload[0]
    return decode_bincode(payload), BINCODE


def encode_bincode(message):
    name, *values = message
    number = next(index for index, row in enumerate(TABLE) if row[0] == name)
    data = struct.pack("<I", number)
    for (_, kind), value in zip(FIELDS[name], values, strict=True):
        if kind in INTEGERS:
            data += struct.pack(INTEGERS[kind], value)
        elif kind == "text":
            text = value.encode()
            data += struct.pack("<Q", len(text)) + text
        elif kind == "bytes":
            data += struct.pack("<Q", len(value)) + value
        else:
            assert len(value) == kind
            data += value
    return data


def decode_bincode(data):
    position = 0

    def take(count):
        nonlocal position
        if count > len(data) - position:
            raise WrongMessage(f"{count} bytes are missing")
        position += count
        return data[position - count:position]

    (number,) = struct.unpack("<I", take(4))
    if number >= len(TABLE):
        raise WrongMessage(f"no message has the number {number}")
    name, fields = TABLE[number]
    values = []
    for _, kind in fields:
        if kind in INTEGERS:
            values.append(struct.unpack(INTEGERS[kind], take(8 if kind == "u64" else 4))[0])
        elif kind in ("text", "bytes"):
            content = take(struct.unpack("<Q", take(8))[0])
            values.append(content.decode() if kind == "text" else content)
        else:
            values.append(take(kind))
    if position != len(data):
        raise WrongMessage("something follows the message")
    return (name, *values)


def to_tree(message, write_bytes):
    """The common shape of JSON and MessagePack."""
    name, *values = message
    values = [write_bytes(value) if isinstance(value, bytes) else value for value in values]
    fields = FIELDS[name]
    if not fields:
        return name
    if fields[0][0] is None:
        return {name: values[0]}
    return {name: {field: value for (field, _), value in zip(fields, values, strict=True)}}


def from_tree(tree):
    if isinstance(tree, str):
        if FIELDS.get(tree) != []:
            raise WrongMessage(f"{tree} has fields, or is none")
        return (tree,)
    if not isinstance(tree, dict) or len(tree) != 1:
        raise WrongMessage("a message is a text or a map of one")
    ((name, content),) = tree.items()
    fields = FIELDS.get(name)
    if not fields:
        raise WrongMessage(f"{name} has no fields, or is none")
    if fields[0][0] is None:
        return (name, value_of(fields[0][1], content))
    if set(content) != {field for field, _ in fields}:
        raise WrongMessage(f"{name} has the fields {list(content)}")
    return (name, *(value_of(kind, content[field]) for field, kind in fields))


def value_of(kind, value):
    if kind in INTEGERS:
        fits = isinstance(value, int) and 0 <= value < 1 << (64 if kind == "u64" else 32)
    elif kind == "text":
        fits = isinstance(value, str)
    else:
        value = bytes(value)
        fits = kind == "bytes" or len(value) == kind
    if not fits:
        raise WrongMessage(f"{value!r} is no {kind}")
    return value


def encode_json(message):
    return json.dumps(to_tree(message, list), ensure_ascii=False, separators=(",", ":")).encode()


def encode_messagepack(message):
    return msgpack.packb(to_tree(message, bytes), use_bin_type=True)
