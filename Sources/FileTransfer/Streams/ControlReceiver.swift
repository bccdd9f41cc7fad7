/// The bytes of the control stream that come in, and the messages in them.
struct ControlReceiver {
    /// Contiguous bytes, and how many of them belong to messages that were read.
    private var ready: [UInt8] = []
    private var position = 0
    private var order = OrderedReceiver()
    /// The total that we admit.
    private(set) var credit: UInt64
    private let window: UInt64

    init(window: UInt64) {
        self.window = window
        credit = window
    }

    enum Outcome {
        case taken
        /// There is no room now: it must not be acknowledged.
        case refused
        case overCredit
    }

    mutating func receive(_ bytes: RawSpan, at offset: UInt64) -> Outcome {
        let (last, overflow) = offset.addingReportingOverflow(UInt64(bytes.byteCount))
        guard !overflow, last <= credit else { return .overCredit }
        var ready: [UInt8] = []
        swap(&ready, &self.ready)
        let taken = order.receive(bytes, at: offset) { ready += $0 }
        swap(&ready, &self.ready)
        return taken == nil ? .refused : .taken
    }

    /// The next whole message: its type and body. Nil if it is not there yet.
    ///
    /// - Throws: if its body is longer than a message may be.
    mutating func next() throws(ControlMessage.Malformed) -> (type: UInt8, body: [UInt8])? {
        guard ready.count - position >= ControlMessage.headLength else {
            forgetRead()
            return nil
        }
        let length = Int(ready.rawBytes.bigEndian(at: position + 1, as: UInt32.self))
        guard length <= ControlMessage.mostBytes else { throw .tooLong(length) }
        let start = position + ControlMessage.headLength
        guard ready.count - start >= length else {
            forgetRead()
            return nil
        }
        let type = ready[position]
        position = start + length
        return (type, Array(ready[start..<position]))
    }

    /// Moves the start of the next message to the front, once for all messages before it.
    private mutating func forgetRead() {
        ready.removeFirst(position)
        position = 0
    }

    /// The credit to announce now: nil until half of the window is used up by messages that were read.
    mutating func creditToAnnounce() -> UInt64? {
        let wanted = order.end - UInt64(ready.count - position) + window
        guard wanted >= credit + window / 2 else { return nil }
        credit = wanted
        return wanted
    }
}
