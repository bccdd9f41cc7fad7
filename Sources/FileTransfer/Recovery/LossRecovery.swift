/// Loss recovery and congestion control of a session, as a value without clock and I/O: RFC 9002 with one packet number
/// space over several paths.
///
/// The caller asks ``allowance(path:now:)`` before it sends, passes every packet to ``sent(_:size:path:as:now:)`` and
/// every ACK to ``acknowledge(_:hasCounts:now:handler:)``, and calls ``timeout(now:handler:)`` at ``nextDeadline``. It
/// allocates nothing once the ring of packets has had its largest size.
///
/// What the peer sends may be wrong: an ACK that violates the protocol is thrown, and repeated or old ones do nothing.
/// Sending without room for another packet number and naming a path that was not opened are errors of the program and
/// trap.
package struct LossRecovery<Controller: CongestionController>: ~Copyable {
    /// A direction has so many connection IDs in an epoch, one for each path.
    package static var mostPaths: Int { 8 }
    /// With so many packets unacknowledged an end sends a PING.
    static var pingInterval: UInt64 { 16_384 }
    /// Round-trip times below which the peer's socket buffer limits what is in flight, in nanoseconds: over longer ones
    /// the peer reads meanwhile.
    static var shortTime: Int64 { 2_000_000 }

    private(set) var packets = SentPackets()
    package internal(set) var paths: [PathRecovery<Controller>]
    package private(set) var largestAcknowledged: UInt64?
    /// Bytes of the peer's socket buffer.
    package var receiveBuffer = Int.max

    /// - Parameter datagramSize: bytes of a full datagram of path 0.
    package init(datagramSize: Int) { self.init(Controller(datagramSize: datagramSize)) }

    /// - Parameter controller: that of path 0, which knows nothing. Other paths get one of its kind.
    package init(_ controller: Controller) { paths = [PathRecovery(controller)] }

    // MARK: State

    /// The number that the next packet gets.
    package var nextNumber: UInt64 { packets.next }
    /// Whether every packet is acknowledged or lost.
    package var isIdle: Bool { packets.isEmpty }
    /// Numbers from the oldest outstanding packet to the next one.
    package var unacknowledged: UInt64 { packets.next - packets.oldest }

    /// Whether another packet may be sent, of any type. One number is left then, for CLOSE.
    package var hasNumbers: Bool {
        let base = min(packets.oldest, largestAcknowledged.map { $0 + 1 } ?? 0)
        return packets.next - base < UInt64(SentPackets.maximumCapacity) - 1
    }

    /// Whether a PING is due: this end sends nothing else that the peer must acknowledge.
    package var isPingDue: Bool { unacknowledged >= Self.pingInterval && nextDeadline == nil }

    /// When ``timeout(now:handler:)`` is due.
    package var nextDeadline: Instant? {
        var earliest: Instant?
        for index in paths.indices {
            guard let deadline = paths[index].deadline else { continue }
            if let known = earliest, known <= deadline { continue }
            earliest = deadline
        }
        return earliest
    }

    // MARK: Paths

    /// Adds the next path, which begins without knowledge; its index is the number of paths before.
    package mutating func openPath(datagramSize: Int) {
        precondition(paths.count < Self.mostPaths, "a session has at most 8 paths")
        paths.append(PathRecovery(paths[0].controller.fresh(datagramSize: datagramSize)))
    }

    /// Gives up what is outstanding on a path, as lost but not because of congestion, and begins it anew: its network
    /// path has changed.
    package mutating func restartPath(
        _ path: Int,
        datagramSize: Int,
        handler: inout some SentFrameHandler & ~Copyable
    ) {
        // Lost packets are not remembered: a late acknowledgment says nothing about the new path.
        for number in packets.base..<packets.next where packets[number].path == path {
            if packets.isOutstanding(number) { handler.lost(packets[number].frame, number: number) }
            packets.forget(number)
        }
        paths[path] = PathRecovery(paths[path].controller.fresh(datagramSize: datagramSize))
        _ = packets.trim()
    }

    // MARK: Sending

    /// Bytes that may go on a path now. A packet goes if its whole datagram fits.
    package mutating func allowance(path: Int = 0, now: Instant) -> SendAllowance {
        guard hasNumbers else { return SendAllowance(bytes: 0, limit: .packetNumbers) }
        var most = paths[path].controller.window
        var limit = SendAllowance.Limit.window
        if receiveBuffer < most, paths[path].time.minimum < Self.shortTime {
            most = receiveBuffer
            limit = .receiveBuffer
        }
        let room = max(0, most - paths[path].inFlight)
        let paced = paths[path].pacer.allowance(now: now)
        return paced < room ? SendAllowance(bytes: paced, limit: .pacer) : SendAllowance(bytes: room, limit: limit)
    }

    /// When the pacer lets so many bytes go on a path; nil if it does now.
    package mutating func nextSend(bytes: Int, path: Int = 0, now: Instant) -> Instant? {
        paths[path].pacer.nextSend(bytes: bytes, now: now)
    }

    /// A packet goes out now under the number ``nextNumber``, which is returned.
    ///
    /// - Parameter size: bytes of its datagram.
    @discardableResult
    package mutating func sent(
        _ frame: SentFrame,
        size: Int,
        path: Int = 0,
        as counting: SentCounting = .full,
        now: Instant
    ) -> UInt64 {
        let number = packets.next
        let index = UInt8(truncatingIfNeeded: path)
        packets.append(paths[path].send(frame, size: size, path: index, as: counting, now: now))
        return number
    }

    /// The path takes more than there is to send: its rate is not measured, meanwhile.
    package mutating func applicationLimited(path: Int = 0) { paths[path].applicationLimited() }

    /// The oldest outstanding packet of a path that elicits an ACK: what a probe repeats best.
    package func oldestFrame(path: Int = 0) -> SentFrame? {
        var position = packets.oldest
        while let number = packets.firstOutstanding(from: position, to: packets.next) {
            let packet = packets[number]
            if packet.path == path, packet.flags.contains(.elicits) { return packet.frame }
            position = number + 1
        }
        return nil
    }

    // MARK: Acknowledgment

    /// Processes the payload of an ACK.
    ///
    /// - Parameters:
    ///   - hasCounts: whether it has the flag ECN.
    ///   - handler: takes each packet that is newly acknowledged or lost, once.
    package mutating func acknowledge(
        _ payload: RawSpan,
        hasCounts: Bool,
        now: Instant,
        handler: inout some SentFrameHandler & ~Copyable
    ) throws(AcknowledgmentFailure) {
        var ranges = try AcknowledgedRanges(payload, hasCounts: hasCounts, next: packets.next)
        var touched: PathSet = []
        while let range = ranges.next() {
            // Ranges descend.
            guard range.upperBound >= packets.base else { break }
            touched.formUnion(
                Self.take(
                    range,
                    largest: ranges.largest,
                    now: now,
                    packets: &packets,
                    paths: &paths,
                    handler: &handler
                )
            )
        }
        if touched.isEmpty { return }
        largestAcknowledged = max(largestAcknowledged ?? 0, ranges.largest)
        for path in paths.indices where touched.contains(path: path) {
            Self.finish(&paths[path], path, delay: ranges.delay, now: now, packets: &packets, handler: &handler)
        }
        trim(now: now)
    }

    /// Tells the packets of a range to their paths and to the handler, and returns the paths. Static, so that parts of
    /// the value are changed side by side.
    @inline(__always)
    private static func take(
        _ range: ClosedRange<UInt64>,
        largest: UInt64,
        now: Instant,
        packets: inout SentPackets,
        paths: inout [PathRecovery<Controller>],
        handler: inout some SentFrameHandler & ~Copyable
    ) -> PathSet {
        var touched: PathSet = []
        packets.take(range.lowerBound..<range.upperBound + 1) { packet, number, state in
            let path = Int(packet.path)
            touched.insert(PathSet(path: path))
            switch state {
            case .outstanding:
                paths[path].acknowledged(packet, number: number, isLargest: number == largest, now: now)
                handler.acknowledged(packet.frame, number: number)
            case .lost:
                paths[path].acknowledgedAfterLoss(packet)
                handler.acknowledgedAfterLoss(packet.frame, number: number)
            }
        }
        return touched
    }

    // MARK: Timers

    /// What is due at ``nextDeadline``: packets are lost, or probes must go.
    ///
    /// - Returns: paths on which the caller sends one or two packets that elicit an ACK, whatever
    ///   ``allowance(path:now:)`` says.
    package mutating func timeout(now: Instant, handler: inout some SentFrameHandler & ~Copyable) -> PathSet {
        var probes: PathSet = []
        var losses: PathSet = []
        for path in paths.indices {
            guard let deadline = paths[path].deadline, deadline <= now else { continue }
            if paths[path].hasLossDeadline {
                losses.insert(PathSet(path: path))
            } else {
                paths[path].probeTimedOut()
                probes.insert(PathSet(path: path))
            }
        }
        for path in paths.indices where losses.contains(path: path) {
            Self.finish(&paths[path], path, delay: 0, now: now, packets: &packets, handler: &handler)
        }
        if !losses.isEmpty { trim(now: now) }
        return probes
    }

    /// Ends the processing of an ACK or a timer on a path: measures, and finds the lost packets.
    private static func finish(
        _ path: inout PathRecovery<Controller>,
        _ index: Int,
        delay: Int64,
        now: Instant,
        packets: inout SentPackets,
        handler: inout some SentFrameHandler & ~Copyable
    ) {
        let newest = path.newest.map { packets[$0] }
        if let newest { path.endAcknowledgment(newest: newest, delay: delay, now: now) }
        path.beginLossDetection()
        var position = packets.oldest
        search: while let number = packets.firstOutstanding(from: position, to: packets.next) {
            position = number + 1
            let packet = packets[number]
            guard packet.path == index else { continue }
            switch path.judge(packet, now: now) {
            case .kept: break search
            case .lost(let byTime):
                packets.lose(number, byTime: byTime)
                path.lost(packet, now: now)
                handler.lost(packet.frame, number: number)
            }
        }
        path.update(newest: newest, now: now)
    }

    private mutating func trim(now: Instant) {
        guard packets.trim() else { return }
        var memory: Int64 = 0
        for path in paths.indices { memory = max(memory, paths[path].lossMemory) }
        packets.forgetLost(before: now - memory)
    }

    // MARK: Memory

    /// Gives memory back when everything is acknowledged and nothing is sent for a while.
    package mutating func shrink() { packets.shrink() }
}
