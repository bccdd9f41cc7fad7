/// What a session has to send, and what becomes of it: the content's data, the control stream, and frames that are
/// repeated until they are acknowledged.
struct SessionFrames<Content: SessionContent & ~Copyable>: SentFrameHandler, ~Copyable {
    /// A STREAM_OPEN that is to be sent.
    struct Opening {
        let stream: UInt16
        let kind: StreamKind
        let entry: UInt32
    }

    var content: Content
    var control: OrderedSender
    /// Bytes of DATA that the peer admits, each counted once.
    var credit: UInt64
    var openings: [Opening] = []
    /// STREAM_OPEN frames that are neither acknowledged nor lost, by their stream.
    private var sentOpenings: [UInt16: Opening] = [:]
    /// A WINDOW_UPDATE is to be sent.
    var owesWindowUpdate = false
    var rekeying: Rekeying
    /// Of the session's path.
    var mtu: PathMTU
    /// The highest number of an ACK of ours that the peer has.
    private(set) var knownThrough: UInt64?

    init(
        content: consuming Content,
        rekeying: consuming Rekeying,
        mtu: PathMTU,
        credit: UInt64,
        controlCredit: UInt64
    ) {
        self.content = content
        self.mtu = mtu
        self.rekeying = rekeying
        self.credit = credit
        control = OrderedSender(credit: controlCredit)
    }

    /// For people. Some of them may have arrived late.
    var lostPackets: UInt64 = 0
    var creditLeft: UInt64 { credit > content.sentBytes ? credit - content.sentBytes : 0 }

    /// Bytes of the control stream that may wait to be sent; more messages then wait at the content.
    private static var mostWaiting: Int { 262_144 }

    /// Moves the content's messages into the control stream.
    mutating func collectMessages() {
        guard content.hasMessages, control.unsent < Self.mostWaiting else { return }
        for message in content.takeMessages() { control.write(message) }
    }

    mutating func sent(_ opening: Opening) {
        sentOpenings[opening.stream] = opening
    }

    // MARK: What became of frames

    mutating func acknowledged(_ frame: SentFrame, number: UInt64) {
        switch frame.type {
        case .data: content.acknowledged(frame.data)
        case .control: control.acknowledge(frame.offset..<frame.offset + UInt64(frame.length))
        case .streamOpen:
            sentOpenings[frame.stream] = nil
            content.acknowledged(opening: frame.stream)
        case .ack: knownThrough = max(knownThrough ?? 0, frame.offset)
        case .rekey: rekeying.acknowledged(frame.offset)
        case .ping where frame.isSizeProbe: mtu.acknowledged(frame.offset)
        default: break
        }
    }

    mutating func lost(_ frame: SentFrame, number: UInt64) {
        if !frame.isSizeProbe { lostPackets += 1 }
        switch frame.type {
        case .data: content.lose(frame.data)
        case .control: control.lose(frame.offset..<frame.offset + UInt64(frame.length))
        case .streamOpen:
            if let opening = sentOpenings.removeValue(forKey: frame.stream) { openings.append(opening) }
        case .windowUpdate: owesWindowUpdate = true
        case .rekey: rekeying.lost(frame.offset)
        case .ping where frame.isSizeProbe: mtu.lost(frame.offset)
        default: break
        }
    }

    /// Its copy is on the way, or will be; that one counts.
    mutating func acknowledgedAfterLoss(_ frame: SentFrame, number: UInt64) {
        if frame.type == .ack { knownThrough = max(knownThrough ?? 0, frame.offset) }
        if frame.type == .rekey { rekeying.acknowledged(frame.offset) }
    }
}

extension SentFrame {
    /// A PING that probes for the path's MTU. Its offset is the probe's number.
    static func sizeProbe(_ number: UInt64) -> SentFrame { SentFrame(.ping, offset: number, length: 1) }

    var isSizeProbe: Bool { type == .ping && length == 1 }

    /// What a DATA frame carries.
    var data: OutgoingData { OutgoingData(stream: stream, offset: offset, length: Int(length), isFinal: isFinal) }
}
