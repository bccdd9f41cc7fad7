internal import Glibc

/// Tests that do more if they are asked to, for minutes: `OUTPOST_LONG=1`.
enum LongTests {
    static var areWanted: Bool { getenv("OUTPOST_LONG") != nil }
}
