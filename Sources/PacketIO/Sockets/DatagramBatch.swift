public import CLinux
internal import Glibc
package import SystemErrors

/// The memory for receiving and answering many datagrams in two system calls, allocated once. For one thread.
///
/// The datagrams may carry anything: their bytes are spans. An index must be below the result of the last
/// ``receive(_:blocking:)`` or ``collect(_:)``.
///
/// Public, because only public bodies are inlined into other modules' loops.
@safe public struct DatagramBatch: ~Copyable {
    private let batch: OpaquePointer
    /// `capacity` datagrams, owned by the batch.
    @usableFromInline @unsafe let datagrams: UnsafeMutablePointer<outpost_datagram>
    /// Whether runs of datagrams to one destination leave as one segmented message; becomes false if the kernel cannot
    /// do that.
    private var segments = true

    package init(capacity: Int, datagramBytes: Int) throws(SystemError) {
        guard let batch = unsafe outpost_batch_create(UInt32(capacity), UInt32(datagramBytes)) else {
            throw SystemError(call: "malloc", subject: "\(capacity) datagrams", code: ENOMEM)
        }
        unsafe self.batch = batch
        unsafe datagrams = outpost_batch_datagrams(batch)
    }

    deinit {
        unsafe outpost_batch_destroy(batch)
    }

    // MARK: Calls

    /// How many arrived, or the negative errno. `blocking` waits for one and takes no more.
    @inline(never)
    package mutating func receive(_ descriptor: Int32, blocking: Bool) -> Int {
        while true {
            let got = unsafe outpost_batch_receive(batch, descriptor, blocking)
            if got != -EINTR { return Int(got) }
        }
    }

    /// How many arrived, at least one, or the negative errno.
    @inline(never)
    package mutating func collect(_ descriptor: Int32) -> Int {
        while true {
            let got = unsafe outpost_batch_collect(batch, descriptor)
            if got != -EINTR { return Int(got) }
        }
    }

    /// Sends those of the first `count` that are marked to `address`, or to the connected peer; returns how many the
    /// kernel took.
    @discardableResult
    @inline(never)
    package mutating func forward(_ descriptor: Int32, count: Int, to address: InternetAddress? = nil) -> Int {
        guard let address else {
            return unsafe Int(outpost_batch_forward(self.batch, descriptor, UInt32(count), nil, 0, &self.segments))
        }
        let batch = unsafe self.batch
        var segments = self.segments
        defer { self.segments = segments }
        // The address lives for the call.
        return unsafe address.withSocketAddress { pointer, length in
            unsafe Int(outpost_batch_forward(batch, descriptor, UInt32(count), pointer, length, &segments))
        }
    }

    /// Sends back those of the first `count` that are marked; returns how many the kernel took.
    @inline(never)
    package mutating func send(_ descriptor: Int32, count: Int) -> Int {
        unsafe Int(outpost_batch_send(batch, descriptor, UInt32(count), &segments))
    }

    // MARK: One datagram

    @inlinable @inline(__always)
    public func length(_ index: Int) -> Int { unsafe Int(datagrams[index].length) }

    /// The kernel's receive stamp: nanoseconds of CLOCK_REALTIME, 0 when there was none.
    @inlinable @inline(__always)
    public func receivedAt(_ index: Int) -> Int64 { unsafe datagrams[index].received_ns }

    /// Marks the datagram for ``send(_:count:)`` or ``forward(_:count:to:)``; one that has arrived is not marked.
    @inlinable @inline(__always)
    public mutating func mark(_ index: Int, _ isMarked: Bool = true) {
        unsafe datagrams[index].is_reply = isMarked
    }

    @inlinable @inline(__always)
    public func isMarked(_ index: Int) -> Bool { unsafe datagrams[index].is_reply }

    /// Whether the kernel took it in the last ``send(_:count:)``.
    @inlinable @inline(__always)
    public func wasSent(_ index: Int) -> Bool { unsafe datagrams[index].was_sent }

    /// Its source; nil for an unsupported family.
    @inlinable @inline(__always)
    public func source(_ index: Int) -> InternetAddress? {
        // The kernel wrote `address_length` bytes into a buffer of at least OUTPOST_ADDRESS_BYTES.
        let datagram = unsafe datagrams + index
        let length = unsafe min(Int(datagram.pointee.address_length), OUTPOST_ADDRESS_BYTES)
        return unsafe InternetAddress(UnsafeRawBufferPointer(start: datagram.pointee.address, count: length))
    }

    /// Its bytes.
    @inlinable @inline(__always)
    @_lifetime(borrow self)
    public func bytes(_ index: Int) -> RawSpan {
        // `length` bytes were received into memory that lives as long as the batch.
        let place = unsafe datagrams[index]
        let span = unsafe RawSpan(_unsafeStart: place.bytes, byteCount: Int(place.length))
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Its bytes, for changes in place.
    @inlinable @inline(__always)
    @_lifetime(&self)
    public mutating func mutableBytes(_ index: Int) -> MutableRawSpan {
        // As above.
        let place = unsafe datagrams[index]
        let span = unsafe MutableRawSpan(_unsafeStart: place.bytes, byteCount: Int(place.length))
        return unsafe _overrideLifetime(span, mutating: &self)
    }
}
