internal import CLinux
internal import Glibc
package import SystemErrors

/// The memory for receiving many datagrams in one system call, allocated once. For one thread.
///
/// It is filled with *runs*: datagrams from one sender to one address, all of one length except the last, which may be
/// shorter. Without `UDP_GRO` every run is one datagram. An index counts the runs of the last
/// `PacketSocket.receive(into:)` and must be below its result.
@safe package struct ReceiveBuffers: ~Copyable {
    /// The longest run: no IP packet has more bytes.
    package static let longestRun = 65_536

    private let memory: OpaquePointer
    /// `capacity` runs, owned by the memory.
    @unsafe private let runs: UnsafeMutablePointer<outpost_run>
    /// Runs of the last call.
    package private(set) var count = 0

    /// - Parameters:
    ///   - capacity: runs that one call may receive.
    ///   - bytes: room for each. Less than ``longestRun`` cuts long runs, whose last datagrams are lost.
    package init(capacity: Int, bytes: Int = Self.longestRun) throws(SystemError) {
        guard let memory = unsafe outpost_runs_create(UInt32(capacity), UInt32(bytes)) else {
            throw SystemError(call: "malloc", subject: "\(capacity) runs of \(bytes) bytes", code: ENOMEM)
        }
        unsafe self.memory = memory
        unsafe runs = outpost_runs_first(memory)
    }

    deinit {
        unsafe outpost_runs_destroy(memory)
    }

    /// How many runs arrived, or the negative errno.
    mutating func receive(_ descriptor: Int32) -> Int32 {
        let got = unsafe outpost_runs_receive(memory, descriptor)
        count = Int(max(0, got))
        return got
    }

    private func run(_ index: Int) -> UnsafeMutablePointer<outpost_run> {
        precondition(index >= 0 && index < count, "no such run")
        return unsafe runs + index
    }

    // MARK: One run

    /// Its sender; nil if the kernel did not tell.
    package func source(_ index: Int) -> InternetAddress? {
        // The kernel wrote `address_length` bytes into a buffer of at least `sockaddr_in6`.
        let run = unsafe self.run(index)
        let length = unsafe min(Int(run.pointee.address_length), MemoryLayout<sockaddr_in6>.size)
        return unsafe InternetAddress(UnsafeRawBufferPointer(start: run.pointee.address, count: length))
    }

    /// This machine's address that it was sent to; nil if the kernel did not tell.
    package func local(_ index: Int) -> InternetHost? {
        let run = unsafe self.run(index)
        guard unsafe run.pointee.has_local else { return nil }
        // Sixteen plain bytes on both sides.
        let address = unsafe unsafeBitCast(run.pointee.local, to: in6_addr.self)
        return unsafe InternetHost(address, scope: run.pointee.local_index)
    }

    /// Whether it had more bytes than its buffer has room for.
    package func isTruncated(_ index: Int) -> Bool { unsafe run(index).pointee.is_truncated }

    /// Bytes of all its datagrams.
    package func length(_ index: Int) -> Int { unsafe Int(run(index).pointee.length) }

    /// Bytes of each of its datagrams but the last.
    package func segment(_ index: Int) -> Int { unsafe Int(run(index).pointee.segment) }

    /// How many datagrams it has, at least one.
    package func datagrams(_ index: Int) -> Int {
        let (length, segment) = (self.length(index), self.segment(index))
        return length <= segment ? 1 : (length + segment - 1) / segment
    }

    /// The bytes of all its datagrams, one after another.
    @_lifetime(borrow self)
    package func bytes(_ index: Int) -> RawSpan {
        // `length` bytes were received into memory that lives as long as this.
        let run = unsafe self.run(index)
        let span = unsafe RawSpan(_unsafeStart: run.pointee.bytes, byteCount: Int(run.pointee.length))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// The same, for changes in place.
    @_lifetime(&self)
    package mutating func mutableBytes(_ index: Int) -> MutableRawSpan {
        // As above.
        let run = unsafe self.run(index)
        let span = unsafe MutableRawSpan(_unsafeStart: run.pointee.bytes, byteCount: Int(run.pointee.length))
        return unsafe _overrideLifetime(span, mutating: &self)
    }
}
