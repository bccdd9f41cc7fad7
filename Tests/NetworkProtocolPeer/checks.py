"""Shared by the scenarios of both roles."""
import os


def expect(found, wanted, what):
    if found != wanted:
        raise AssertionError(f"{what}: {found!r} where {wanted!r} was expected")


def expect_raises(kind, what, body):
    try:
        body()
    except kind as error:
        return error
    raise AssertionError(f"{what}: nothing was raised where {kind.__name__} was expected")


def write_whole(path, text):
    """Writes the file as a whole: a reader that waits for it gets all of it or nothing."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(text)
    os.rename(path + ".part", path)
