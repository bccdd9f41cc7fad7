/// Key material in memory of its own, which is never copied when the value is, and is overwritten when nobody refers to it any more.
///
/// `Sendable`, as its bytes do not change while anybody refers to it.
@safe package final class Secret: RandomAccessCollection, Equatable, @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer

    /// A copy of these bytes. The caller overwrites its own.
    package init(_ bytes: some Collection<UInt8>) {
        unsafe memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        for (index, byte) in bytes.enumerated() { unsafe memory[index] = byte }
    }

    deinit {
        wipe()
        unsafe memory.deallocate()
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { unsafe memory.count }

    /// Checked in any build.
    package subscript(position: Int) -> UInt8 {
        precondition(indices.contains(position), "a secret has no such byte")
        return unsafe memory[position]
    }

    /// For those who take memory; the pointer must not be kept.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe body(UnsafeRawBufferPointer(memory))
    }

    /// In a time that does not depend on where they differ.
    package static func == (one: Secret, other: Secret) -> Bool {
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// What ``deinit`` does first; for its test.
    func wipe() { unsafe Wiping.wipe(memory) }
}

extension Secret: CustomStringConvertible, CustomReflectable {
    /// Not the bytes.
    package var description: String { "secret" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
