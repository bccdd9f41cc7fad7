internal import CLinux
internal import Glibc
internal import SystemErrors

/// The memory for receiving and answering many datagrams in two system calls, allocated once. For one thread.
@safe struct DatagramBatch: ~Copyable {
    private let batch: OpaquePointer
    /// `capacity` datagrams, owned by the batch.
    @unsafe let datagrams: UnsafeMutablePointer<outpost_datagram>
    /// Whether runs of datagrams to one destination leave as one segmented message; becomes false if the kernel cannot
    /// do that.
    private var segments = true

    init(capacity: Int, datagramBytes: Int) throws(SystemError) {
        guard let batch = unsafe outpost_batch_create(UInt32(capacity), UInt32(datagramBytes)) else {
            throw SystemError(call: "malloc", subject: "\(capacity) datagrams", code: ENOMEM)
        }
        unsafe self.batch = batch
        unsafe self.datagrams = outpost_batch_datagrams(batch)
    }

    deinit {
        unsafe outpost_batch_destroy(self.batch)
    }

    /// How many arrived, or the negative errno. `blocking` waits for one and takes no more.
    @inline(never)
    mutating func receive(_ descriptor: Int32, blocking: Bool) -> Int {
        while true {
            let got = unsafe outpost_batch_receive(self.batch, descriptor, blocking)
            if got != -EINTR { return Int(got) }
        }
    }

    /// How many arrived, at least one, or the negative errno.
    @inline(never)
    mutating func collect(_ descriptor: Int32) -> Int {
        while true {
            let got = unsafe outpost_batch_collect(self.batch, descriptor)
            if got != -EINTR { return Int(got) }
        }
    }

    /// Sends those of the first `count` that are marked as replies to `address`, or to the connected peer; returns how
    /// many the kernel took.
    @discardableResult
    @inline(never)
    mutating func forward(_ descriptor: Int32, count: Int, to address: InternetAddress? = nil) -> Int {
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

    /// Sends back those of the first `count` that are marked as replies; returns how many the kernel took.
    @inline(never)
    mutating func send(_ descriptor: Int32, count: Int) -> Int {
        unsafe Int(outpost_batch_send(self.batch, descriptor, UInt32(count), &self.segments))
    }

    /// The source of datagram `index`; nil for an unsupported family.
    @inline(__always)
    func source(_ index: Int) -> InternetAddress? {
        // The kernel wrote `address_length` bytes into a buffer of at least OUTPOST_ADDRESS_BYTES.
        let datagram = unsafe self.datagrams + index
        let length = unsafe min(Int(datagram.pointee.address_length), OUTPOST_ADDRESS_BYTES)
        return unsafe InternetAddress(UnsafeRawBufferPointer(start: datagram.pointee.address, count: length))
    }
}
