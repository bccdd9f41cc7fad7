/// Key material in memory of its own. Copying the value does not copy the bytes, and they are overwritten when the last
/// reference is gone.
///
/// `Sendable`, because its bytes do not change while there is a reference.
@safe package final class Secret: RandomAccessCollection, Equatable, @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer

    /// Copies these bytes. The caller overwrites its own.
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

    /// Bounds-checked in every build.
    package subscript(position: Int) -> UInt8 {
        precondition(indices.contains(position), "a secret has no such byte")
        return unsafe memory[position]
    }

    /// For C functions; the pointer must not be kept.
    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try unsafe body(UnsafeRawBufferPointer(memory))
    }

    /// In a time that does not depend on where they differ.
    package static func == (one: Secret, other: Secret) -> Bool {
        guard one.count == other.count else { return false }
        return zip(one, other).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// What ``deinit`` does first; separate for its test.
    func wipe() { unsafe Wiping.wipe(memory) }
}

extension Secret: CustomStringConvertible, CustomReflectable {
    /// Never the bytes.
    package var description: String { "secret" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
