/// The congestion control of a path, chosen when a session begins.
///
/// Both controllers stand side by side: an enumeration with payloads would be copied out and in for each packet.
package struct CongestionControl: CongestionController {
    package enum Algorithm: String, CaseIterable, Sendable { case cubic, bbr }

    package let algorithm: Algorithm
    private var cubic: Cubic
    private var bbr: Bbr

    package init(_ algorithm: Algorithm, datagramSize: Int) {
        self.algorithm = algorithm
        cubic = Cubic(datagramSize: datagramSize)
        bbr = Bbr(datagramSize: datagramSize)
    }

    package init(datagramSize: Int) { self.init(.cubic, datagramSize: datagramSize) }

    package func fresh(datagramSize: Int) -> CongestionControl {
        CongestionControl(algorithm, datagramSize: datagramSize)
    }

    package var window: Int {
        switch algorithm {
        case .cubic: cubic.window
        case .bbr: bbr.window
        }
    }

    package var datagramSize: Int {
        get { cubic.datagramSize }
        set {
            cubic.datagramSize = newValue
            bbr.datagramSize = newValue
        }
    }

    package var holdsBack: Bool {
        switch algorithm {
        case .cubic: cubic.holdsBack
        case .bbr: bbr.holdsBack
        }
    }

    package func pacingRate(_ time: RoundTripTime) -> Double {
        switch algorithm {
        case .cubic: cubic.pacingRate(time)
        case .bbr: bbr.pacingRate(time)
        }
    }

    @inline(__always)
    package mutating func sent(inFlight: Int, now: Instant) {
        switch algorithm {
        case .cubic: cubic.sent(inFlight: inFlight, now: now)
        case .bbr: bbr.sent(inFlight: inFlight, now: now)
        }
    }

    @inline(__always)
    package mutating func acknowledged(bytes: Int, sentAt: Instant) {
        switch algorithm {
        case .cubic: cubic.acknowledged(bytes: bytes, sentAt: sentAt)
        case .bbr: bbr.acknowledged(bytes: bytes, sentAt: sentAt)
        }
    }

    package mutating func lost(_ packet: PacketHistory) {
        switch algorithm {
        case .cubic: cubic.lost(packet)
        case .bbr: bbr.lost(packet)
        }
    }

    package mutating func acknowledgedAfterLoss(sentAt: Instant) {
        switch algorithm {
        case .cubic: cubic.acknowledgedAfterLoss(sentAt: sentAt)
        case .bbr: bbr.acknowledgedAfterLoss(sentAt: sentAt)
        }
    }

    package mutating func update(_ sample: CongestionSample) {
        switch algorithm {
        case .cubic: cubic.update(sample)
        case .bbr: bbr.update(sample)
        }
    }
}
